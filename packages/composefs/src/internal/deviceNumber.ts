/** The kernel's 32-bit device number: 12 bits major, 20 bits minor in two parts (new_encode_dev). */
export const maxMajor = 0xfff
export const maxMinor = 0xfffff
export const majorOf = (rdev: number): number => (rdev >>> 8) & 0xfff
export const minorOf = (rdev: number): number => (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
export const deviceOf = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0
