import { constants } from "node:fs"

/** O_NOFOLLOW: the last component must be the file itself; O_NONBLOCK: a FIFO put in its place does not hang us. */
export const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** A path as Node takes it: a string, or bytes where the name is not UTF-8. */
export type FilePath = string | Buffer
