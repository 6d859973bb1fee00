/** Scopes of access tokens: `repository:NAME:pull,push`. */

/** Actions by resource. */
export type Grants = ReadonlyMap<string, ReadonlySet<string>>

/** Puts scopes together, with the actions of one resource in one place; what comes first stays first. */
export const merge = (scopes: ReadonlyArray<string>): Grants => {
  const grants = new Map<string, Set<string>>()
  for (const scope of scopes.flatMap((scope) => scope.split(" ")).filter((scope) => scope !== "")) {
    const colon = scope.lastIndexOf(":")
    const resource = colon === -1 ? scope : scope.slice(0, colon)
    const actions = grants.get(resource) ?? new Set<string>()
    for (const action of colon === -1 ? [] : scope.slice(colon + 1).split(",")) actions.add(action)
    grants.set(resource, actions)
  }
  return grants
}

/** The scopes as a token server takes them. */
export const render = (grants: Grants): ReadonlyArray<string> =>
  [...grants].map(([resource, actions]) => `${resource}:${[...actions].sort().join(",")}`)

/** Says whether all that is wanted is granted. */
export const covers = (granted: Grants, wanted: Grants): boolean =>
  [...wanted].every(([resource, actions]) =>
    [...actions].every((action) => granted.get(resource)?.has(action) === true)
  )

/** What reading a repository needs. */
export const pull = (repository: string): string => `repository:${repository}:pull`

/** What writing to a repository needs. */
export const push = (repository: string): string => `repository:${repository}:pull,push`

/** What deleting from a repository needs. */
export const remove = (repository: string): string => `repository:${repository}:delete,pull`
