// An oxlint rule: every export of packages/*/src says what it is in a doc comment with @category and @since.

const exportKinds = ["ExportNamedDeclaration", "ExportDefaultDeclaration"]

const docComment = (context, node) => {
  const comments = context.sourceCode.getCommentsBefore(node)
  const last = comments.at(-1)
  return last !== undefined && last.type === "Block" && last.value.startsWith("*") ? last.value : undefined
}

const isOverload = (node, previous) =>
  node.declaration?.type === "FunctionDeclaration" && previous?.declaration?.id?.name === node.declaration.id?.name

const requireDocComment = {
  create(context) {
    return {
      Program(program) {
        let previous
        for (const node of program.body) {
          if (!exportKinds.includes(node.type)) continue
          // `export { … }` and `export * as X` re-export what is documented where it is declared.
          if (node.declaration === null || node.declaration === undefined) continue
          const comment = docComment(context, node)
          if (comment === undefined && !isOverload(node, previous)) {
            context.report({ node, message: "An export needs a doc comment: one sentence, @category, @since." })
          } else if (comment !== undefined) {
            for (const tag of ["@category", "@since"]) {
              if (!comment.includes(tag)) {
                context.report({ node, message: `The doc comment of this export lacks ${tag}.` })
              }
            }
          }
          previous = node
        }
      }
    }
  }
}

export default { meta: { name: "lamina" }, rules: { "require-doc-comment": requireDocComment } }
