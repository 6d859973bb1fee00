import { assert, describe, it } from "@effect/vitest"
import { Channel } from "@lamina/core/composition/index"
import * as Option from "effect/Option"

const versions: ReadonlyArray<Channel.ChannelVersion> = [
  { versionString: "0.9.0", lifecycleState: "archived" },
  { versionString: "1.0.0", lifecycleState: "blessed" },
  { versionString: "1.1.0", lifecycleState: "live" },
  { versionString: "1.10.0", lifecycleState: "staging" },
  { versionString: "1.9.0", lifecycleState: "staging" },
  { versionString: "2.0.0", lifecycleState: "draft" },
  { versionString: "1.11.0", lifecycleState: "staging", quarantined: true }
]

const selected = (channel?: Channel.Channel): string | undefined =>
  Option.getOrUndefined(Channel.select(versions, channel))?.versionString

describe("Channel.select", () => {
  it("follows the live version by default", () => {
    assert.strictEqual(selected(), "1.1.0")
  })

  it("takes the newest of a state or a more trusted one, and nothing quarantined", () => {
    assert.strictEqual(selected("staging"), "1.10.0")
    assert.strictEqual(selected("blessed"), "1.1.0")
  })

  it("takes an exact version in whatever state, unless it is quarantined", () => {
    assert.strictEqual(selected({ version: "2.0.0" }), "2.0.0")
    assert.strictEqual(selected({ version: "1.11.0" }), undefined)
    assert.strictEqual(selected({ version: "3.0.0" }), undefined)
  })

  it("has nothing to say about a module without versions", () => {
    assert.isTrue(Option.isNone(Channel.select([])))
  })

  it("does not depend on the order of the versions", () => {
    for (const channel of ["live", "blessed", "staging"] as const) {
      assert.deepStrictEqual(Channel.select([...versions].reverse(), channel), Channel.select(versions, channel))
    }
  })

  it.each([["1.0.0+a", "1.0.0+b"], ["1.0.0", "v1.0.0"], ["one", "two"]])(
    "takes the same of %s and %s in either order, though neither is newer",
    (...texts) => {
      const equals = texts.map((versionString) => ({ versionString, lifecycleState: "staging" as const }))
      assert.deepStrictEqual(Channel.select([...equals].reverse(), "staging"), Channel.select(equals, "staging"))
    }
  )
})

describe("Channel.render", () => {
  it("names a channel in words", () => {
    assert.strictEqual(Channel.render("live"), "live")
    assert.strictEqual(Channel.render({ version: "1.0.0" }), "exactly 1.0.0")
  })
})
