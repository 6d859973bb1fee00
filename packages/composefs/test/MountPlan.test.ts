import { assert, describe, it } from "@effect/vitest"
import { MountPlan } from "@lamina/composefs"
import * as Result from "effect/Result"

const options: MountPlan.Options = {
  images: ["/images/base"],
  objects: "/objects",
  target: "/target",
  workDirectory: "/run/lamina",
  verity: "require"
}
const plan = (changes: Partial<MountPlan.Options> = {}) => Result.getOrThrow(MountPlan.make({ ...options, ...changes }))
const refusal = (changes: Partial<MountPlan.Options>) =>
  Result.getOrThrow(Result.flip(MountPlan.make({ ...options, ...changes })))

describe("MountPlan", () => {
  it("mounts one image at the target", () => {
    assert.deepEqual(plan().mount, [
      ["mkdir", "-p", "/run/lamina/0/metadata"],
      ["mount", "-t", "erofs", "-o", "ro,loop", "/images/base", "/run/lamina/0/metadata"],
      ["mkdir", "-p", "/target"],
      [
        "mount",
        "-t",
        "overlay",
        "composefs",
        "-o",
        "ro,metacopy=on,redirect_dir=on,verity=require,lowerdir=/run/lamina/0/metadata::/objects",
        "/target"
      ]
    ])
    assert.deepEqual(plan().unmount, [["umount", "/target"], ["umount", "/run/lamina/0/metadata"]])
  })

  it("leaves verity to the object store when it is off", () => {
    assert.notInclude(MountPlan.toShell(plan({ verity: "off" }).mount), "verity")
  })

  it("mounts each image of a stack, and an overlay on them with the last image on top", () => {
    const { mount, unmount } = plan({ images: ["/images/base", "/images/top"] })
    assert.deepEqual(mount.at(-1), [
      "mount",
      "-t",
      "overlay",
      "lamina",
      "-o",
      "ro,lowerdir=/run/lamina/1/files:/run/lamina/0/files",
      "/target"
    ])
    assert.deepEqual(unmount.map(([, point]) => point), [
      "/target",
      "/run/lamina/1/files",
      "/run/lamina/1/metadata",
      "/run/lamina/0/files",
      "/run/lamina/0/metadata"
    ])
  })

  it("gives layers one by one where the list is too long for one option", () => {
    const images = Array.from({ length: 30 }, (_, index) => `/images/${index}`)
    const option = plan({ images }).mount.at(-1)?.[5] ?? ""
    assert.isTrue(option.startsWith("ro,lowerdir+=/run/lamina/29/files,lowerdir+=/run/lamina/28/files,"))
    assert.isTrue(option.endsWith("lowerdir+=/run/lamina/0/files"))
  })

  it("refuses more layers than mount options can name", () => {
    const error = refusal({ images: Array.from({ length: 400 }, (_, index) => `/images/${index}`) })
    assert.strictEqual(error.reason._tag, "TooManyLayers")
  })

  it("refuses paths that options cannot carry, naming the field", () => {
    for (const path of ["", "relative", "/a,b", "/a:b", "/a\\b", "/a b", "/a\nb", "/a/../b", "/a'b", "/a\"b"]) {
      assert.strictEqual(refusal({ objects: path }).reason._tag, "InvalidPath", path)
      assert.include(refusal({ images: ["/ok", path] }).message, "images[1]")
    }
    assert.strictEqual(refusal({ images: [] }).reason._tag, "NoLayers")
  })

  it("renders lines for a shell, quoted where they must be", () => {
    assert.strictEqual(
      MountPlan.toShell([["umount", "/a"], ["echo", "it's $HOME"]]),
      "umount /a\necho 'it'\\''s $HOME'\n"
    )
  })
})
