/** Which real parts this machine has; what is absent is said by name. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

const skip = (name: string): false => {
  // oxlint-disable-next-line no-console
  console.log(`skipped: ${name}`)
  return false
}

export const hasProgram = (name: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${name}`]).status === 0 || skip(`${name} is not installed`)

const kernelHas = (fileSystem: string): boolean =>
  // An unmounted module is listed only after its first use.
  readFileSync("/proc/filesystems", "utf8").includes(`\t${fileSystem}\n`) ||
  spawnSync("modprobe", [fileSystem]).status === 0

export const canMount = (): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return skip("mounts need Linux and root")
  for (const fileSystem of ["erofs", "overlay"]) {
    if (!kernelHas(fileSystem)) return skip(`the kernel has no ${fileSystem}`)
  }
  if (spawnSync("unshare", ["-m", "true"]).status !== 0) return skip("mounts are not permitted here")
  return spawnSync("losetup", ["-f"]).status === 0 || skip("loop devices are not permitted here")
}
