/**
 * The names of an absolute path from the root down, or `undefined` for a text which is not one: relative, with an
 * empty component, a trailing slash, `.` or `..`, or the root itself. No pattern covers such a text.
 */
export const pathNames = (path: string): ReadonlyArray<string> | undefined => {
  if (path.charCodeAt(0) !== 47) return undefined
  const names = path.split("/")
  names.shift()
  return names.every((name) => name !== "" && name !== "." && name !== "..") ? names : undefined
}

/** Whether a directory can have an entry of this name. */
export const isEntryName = (name: string): boolean =>
  name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0")
