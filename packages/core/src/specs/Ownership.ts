/**
 * Whose a path is where several modules ship or claim it.
 *
 * A `protectedSpec` claim counts for more than a `fileSpec` one, whoever ships the path. Among claims of one kind the
 * more specific pattern owns; of equal ones the lower layer owns, and another layer that ships the path is a conflict.
 * Inside its window a child owns what it ships before its parent does, unless the parent protects it and the child's
 * `mask` does not carve it out.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Glob from "./Glob.ts"
import * as GlobSet from "./GlobSet.ts"
import * as Narrowing from "./internal/Narrowing.ts"
import * as Specificity from "./internal/Specificity.ts"
import type { ModuleSpecs, SpecError } from "./ModuleSpecs.ts"
import { parseList, withinParent } from "./ModuleSpecs.ts"

/**
 * A layer of a composition. `files` are the absolute paths of everything in it that is not a directory.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnershipLayer {
  readonly moduleName: string
  readonly specs: ModuleSpecs
  readonly files: ReadonlyArray<string>
  readonly parentModule?: string
}

/**
 * The pattern by which a module claims a path. A file that no list of its module mentions is claimed by no pattern.
 *
 * @category models
 * @since 0.1.0
 */
export interface Claim {
  readonly moduleName: string
  readonly list: "protectedSpec" | "fileSpec"
  readonly pattern: string
}

/**
 * Why a layer should not ship a path.
 *
 * - `protected`: another module claims it by `protectedSpec`.
 * - `equal_claim`: the claim of a lower layer is as specific.
 * - `hides_owner`: a lower layer owns the path, and this one hides the owner's file.
 * - `outside_window`: a child ships it outside its parent's `dependencySpec`.
 *
 * @category models
 * @since 0.1.0
 */
export type ConflictReason = "protected" | "equal_claim" | "hides_owner" | "outside_window"

/**
 * A layer that ships a path which is not its own.
 *
 * @category models
 * @since 0.1.0
 */
export interface PathConflict {
  readonly path: string
  readonly moduleName: string
  readonly owner: string
  readonly reason: ConflictReason
  readonly claim?: Claim
  readonly message: string
}

/**
 * What the report says about one path. `shippedBy` and `shadowedBy` are bottom to top; `shadowedBy` are the layers that
 * hide the owner's file. `carvedOut` is set where a child's `mask` took the path out of its parent's claim.
 *
 * @category models
 * @since 0.1.0
 */
export interface PathOwnership {
  readonly path: string
  readonly owner: string
  readonly claim?: Claim
  readonly shippedBy: ReadonlyArray<string>
  readonly shadowedBy: ReadonlyArray<string>
  readonly carvedOut?: { readonly child: string; readonly pattern: string }
}

/**
 * `paths` has every shipped path in code-unit order; `orphans` are claims that no layer fulfils.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnershipReport {
  readonly paths: ReadonlyArray<PathOwnership>
  readonly conflicts: ReadonlyArray<PathConflict>
  readonly orphans: ReadonlyArray<Claim>
}

interface RankedClaim {
  readonly layer: number
  readonly glob: Glob.Glob
  readonly claim: Claim
  readonly specificity: Specificity.Specificity
}

/** The claims on a path, by the list that they stand in. */
interface ClaimsOnPath {
  readonly protecting: ReadonlyArray<RankedClaim>
  readonly filing: ReadonlyArray<RankedClaim>
}

interface ClaimIndex {
  /** Those of `protectedSpec` first. */
  readonly claims: ReadonlyArray<RankedClaim>
  readonly set: GlobSet.GlobSet
  readonly fulfilled: Set<RankedClaim>
  /** What a list of positions stands for: paths of one directory mostly share theirs, as the set gives it out. */
  readonly known: Map<ReadonlyArray<number>, ClaimsOnPath>
}

const claimKey = (claim: Claim): string => JSON.stringify([claim.moduleName, claim.list, claim.pattern])

const claimsOf = (
  layers: ReadonlyArray<OwnershipLayer>,
  list: Claim["list"]
): Result.Result<ReadonlyArray<RankedClaim>, SpecError> =>
  Result.gen(function*() {
    const claims: Array<RankedClaim> = []
    for (const [layer, { moduleName, specs }] of layers.entries()) {
      for (const glob of (yield* parseList(specs, list)).flatMap(Narrowing.split)) {
        claims.push({
          layer,
          glob,
          claim: { moduleName, list, pattern: glob.pattern },
          specificity: Specificity.ofGlob(glob)
        })
      }
    }
    return claims
  })

const indexClaims = (layers: ReadonlyArray<OwnershipLayer>): Result.Result<ClaimIndex, SpecError> =>
  Result.gen(function*() {
    const claims = [...(yield* claimsOf(layers, "protectedSpec")), ...(yield* claimsOf(layers, "fileSpec"))]
    const set = GlobSet.make(claims.map(({ glob }) => glob))
    return { claims, set, fulfilled: new Set<RankedClaim>(), known: new Map<ReadonlyArray<number>, ClaimsOnPath>() }
  })

/** Of several claims on a path the one that owns it: the most specific, then the lowest layer. */
const strongest = (claims: ReadonlyArray<RankedClaim>): RankedClaim | undefined =>
  claims.reduce<RankedClaim | undefined>((best, claim) => {
    if (best === undefined) return claim
    const difference = Specificity.compare(claim.specificity, best.specificity)
    return difference > 0 || (difference === 0 && claim.layer < best.layer) ? claim : best
  }, undefined)

const claimsOn = (index: ClaimIndex, path: string): ClaimsOnPath => {
  const positions = index.set.covering(path)
  const known = index.known.get(positions)
  if (known !== undefined) return known
  const covering = positions.flatMap((position) => index.claims[position] ?? [])
  for (const claim of covering) index.fulfilled.add(claim)
  const claims: ClaimsOnPath = {
    protecting: covering.filter(({ claim }) => claim.list === "protectedSpec"),
    filing: covering.filter(({ claim }) => claim.list === "fileSpec")
  }
  index.known.set(positions, claims)
  return claims
}

/** What a child may ship, and which of its parent's claims do not bind it. */
interface ChildRules {
  readonly parent: number
  readonly window: GlobSet.GlobSet
  /** The pattern that takes the path out of a claim of the parent. */
  readonly carveOut: (path: string, claim: Glob.Glob) => Glob.Glob | undefined
}

const childRules = (
  layers: ReadonlyArray<OwnershipLayer>,
  layer: OwnershipLayer
): Result.Result<ChildRules | undefined, SpecError> =>
  Result.gen(function*() {
    const parent = layers.findIndex(({ moduleName }) => moduleName === layer.parentModule)
    const parentSpecs = layers[parent]?.specs
    if (parentSpecs === undefined) return undefined
    const carveOuts = (yield* parseList(layer.specs, "mask")).flatMap(Narrowing.split)
    const carveOutSet = GlobSet.make(carveOuts)
    return {
      parent,
      window: GlobSet.make(yield* parseList(parentSpecs, "dependencySpec")),
      carveOut: (path, claim) =>
        carveOutSet.covering(path).flatMap((position) => carveOuts[position] ?? [])
          .find((carveOut) => Glob.contains(claim, carveOut))
    }
  })

interface Arena {
  readonly names: ReadonlyArray<string>
  readonly claims: ClaimIndex
  readonly children: ReadonlyArray<ChildRules | undefined>
}

interface Verdict {
  readonly shippers: ReadonlyArray<number>
  readonly owner: number
  /** The owner's claim, absent where the owner has none. */
  readonly claim: RankedClaim | undefined
  readonly shipping: ReadonlyArray<RankedClaim>
  readonly carved: { readonly child: number; readonly pattern: string } | undefined
}

/** The child that ships the path by right of its parent's claim, if the claim is the one that counts. */
const carving = (
  arena: Arena,
  path: string,
  shippers: ReadonlyArray<number>,
  claim: RankedClaim
): Verdict["carved"] => {
  for (const child of shippers) {
    const rules = arena.children[child]
    const carveOut = rules?.parent === claim.layer ? rules.carveOut(path, claim.glob) : undefined
    if (carveOut !== undefined) return { child, pattern: carveOut.pattern }
  }
  return undefined
}

/** Inside its window a child may replace what its parent ships; that is what the window is for. */
const isOverridden = (arena: Arena, path: string, shippers: ReadonlyArray<number>, layer: number): boolean =>
  shippers.some((shipper) => {
    const child = arena.children[shipper]
    return child !== undefined && child.parent === layer && child.window.first(path) >= 0
  })

const arbitrate = (
  arena: Arena,
  path: string,
  { filing, protecting }: ClaimsOnPath,
  shippers: ReadonlyArray<number>
): Verdict => {
  const shipping = filing.filter(({ layer }) => shippers.includes(layer))
  const binding = strongest(protecting)
  const carved = binding && carving(arena, path, shippers, binding)
  if (carved !== undefined) {
    const claim = strongest(shipping.filter(({ layer }) => layer === carved.child))
    return { shippers, owner: carved.child, claim, shipping, carved }
  }
  const claim = binding ?? strongest(shipping.filter(({ layer }) => !isOverridden(arena, path, shippers, layer)))
  return { shippers, owner: claim?.layer ?? shippers[0] ?? 0, claim, shipping, carved }
}

const reasonAgainst = (arena: Arena, verdict: Verdict, shipper: number): ConflictReason | undefined => {
  const { claim, owner, shipping } = verdict
  if (shipper === owner) return undefined
  if (claim?.claim.list === "protectedSpec") return "protected"
  if (verdict.carved?.child === owner || arena.children[owner]?.parent === shipper) return undefined
  const own = strongest(shipping.filter(({ layer }) => layer === shipper))
  if (Specificity.compare(claim?.specificity ?? [], own?.specificity ?? []) === 0) return "equal_claim"
  return shipper > owner ? "hides_owner" : undefined
}

const messages: { readonly [Reason in ConflictReason]: (path: string, other: string, owner: string) => string } = {
  protected: (path, other, owner) => `${other} ships ${path}, which ${owner} protects`,
  equal_claim: (path, other, owner) =>
    `${other} and ${owner} claim ${path} equally, and the lower layer ${owner} owns it`,
  hides_owner: (path, other, owner) => `${other} hides ${path} of ${owner}, whose claim is more specific`,
  outside_window: (path, other, owner) => `${other} ships ${path} outside the dependencySpec of its parent ${owner}`
}

const conflictsOn = (arena: Arena, path: string, verdict: Verdict): ReadonlyArray<PathConflict> => {
  const conflict = (shipper: number, owner: number, reason: ConflictReason): PathConflict => {
    const moduleName = arena.names[shipper] ?? ""
    const ownerName = arena.names[owner] ?? ""
    const claim = verdict.claim?.layer === owner ? { claim: verdict.claim.claim } : {}
    return {
      path,
      moduleName,
      owner: ownerName,
      reason,
      ...claim,
      message: messages[reason](path, moduleName, ownerName)
    }
  }
  return verdict.shippers.flatMap((shipper) => {
    const child = arena.children[shipper]
    const isOutside = child !== undefined && child.window.first(path) < 0
    const reason = reasonAgainst(arena, verdict, shipper)
    return [
      ...(isOutside ? [conflict(shipper, child.parent, "outside_window")] : []),
      ...(reason === undefined ? [] : [conflict(shipper, verdict.owner, reason)])
    ]
  })
}

const ownershipOf = ({ names }: Arena, { carved, claim, owner, shippers }: Verdict): Omit<PathOwnership, "path"> => {
  const nameOf = (layer: number): string => names[layer] ?? ""
  return {
    owner: nameOf(owner),
    ...(claim === undefined ? {} : { claim: claim.claim }),
    shippedBy: shippers.map(nameOf),
    shadowedBy: shippers.filter((shipper) => shipper > owner).map(nameOf),
    ...(carved === undefined ? {} : { carvedOut: { child: nameOf(carved.child), pattern: carved.pattern } })
  }
}

/** Who ships each path, bottom to top; the same list for all paths which one layer alone ships. */
const shippersByPath = (layers: ReadonlyArray<OwnershipLayer>): ReadonlyMap<string, ReadonlyArray<number>> => {
  const shipped = new Map<string, ReadonlyArray<number>>()
  for (const [position, { files }] of layers.entries()) {
    const alone = [position]
    for (const path of files) {
      const known = shipped.get(path)
      if (known === undefined) shipped.set(path, alone)
      else if (known.at(-1) !== position) shipped.set(path, [...known, position])
    }
  }
  return shipped
}

/** Of a pattern with braces, each alternative is a claim here; one that is fulfilled is enough. */
const orphansOf = ({ claims, fulfilled }: ClaimIndex): ReadonlyArray<Claim> => {
  const fulfilledKeys = new Set([...fulfilled].map(({ claim }) => claimKey(claim)))
  const orphans = claims.filter(({ claim }) => !fulfilledKeys.has(claimKey(claim)))
  return [...new Map(orphans.map(({ claim }) => [claimKey(claim), claim])).values()]
}

/** Only a child's window and carve-outs look at the path itself; else paths of the same claims and shippers share one. */
const dependsOnPath = (arena: Arena, shippers: ReadonlyArray<number>): boolean =>
  shippers.some((shipper) => arena.children[shipper] !== undefined)

/** Written out, for the sake of compositions of a hundred thousand paths: a spread costs half of the rest. */
const at = (
  path: string,
  { carvedOut, claim, owner, shadowedBy, shippedBy }: Omit<PathOwnership, "path">
): PathOwnership =>
  claim === undefined || carvedOut !== undefined
    ? { path, owner, ...(claim && { claim }), shippedBy, shadowedBy, ...(carvedOut && { carvedOut }) }
    : { path, owner, claim, shippedBy, shadowedBy }

/** What was decided on a path, and what it was decided on: the next path mostly has the same. */
interface Judged {
  readonly claims: ClaimsOnPath
  readonly shippers: ReadonlyArray<number>
  readonly verdict: Verdict
  readonly ownership: Omit<PathOwnership, "path">
  readonly isContested: boolean
}

const arbitrateAll = (
  arena: Arena,
  layers: ReadonlyArray<OwnershipLayer>
): Pick<OwnershipReport, "paths" | "conflicts"> => {
  const paths: Array<PathOwnership> = []
  const conflicts: Array<PathConflict> = []
  const shipped = shippersByPath(layers)
  let last: Judged | undefined
  // Without a function to compare with, an engine compares code units by itself, which is faster.
  for (const path of [...shipped.keys()].sort()) {
    const shippers = shipped.get(path) ?? []
    const claims = claimsOn(arena.claims, path)
    if (last === undefined || claims !== last.claims || shippers !== last.shippers || dependsOnPath(arena, shippers)) {
      const verdict = arbitrate(arena, path, claims, shippers)
      const isContested = conflictsOn(arena, path, verdict).length > 0
      last = { claims, shippers, verdict, ownership: ownershipOf(arena, verdict), isContested }
    }
    paths.push(at(path, last.ownership))
    if (!last.isContested) continue
    for (const conflict of conflictsOn(arena, path, last.verdict)) conflicts.push(conflict)
  }
  return { paths, conflicts }
}

/**
 * Arbitrates every path of the layers, which are listed bottom to top.
 *
 * @category constructors
 * @since 0.1.0
 */
export const report = (layers: ReadonlyArray<OwnershipLayer>): Result.Result<OwnershipReport, SpecError> =>
  Result.gen(function*() {
    const children: Array<ChildRules | undefined> = []
    const claiming: Array<OwnershipLayer> = []
    for (const layer of layers) {
      const parent = layers.find(({ moduleName }) => moduleName === layer.parentModule)
      const narrowed = parent === undefined ? layer : (yield* withinParent(layer.specs, parent.specs))
      children.push(yield* childRules(layers, layer))
      claiming.push({ ...layer, specs: narrowed.specs })
    }
    const arena: Arena = {
      names: layers.map(({ moduleName }) => moduleName),
      claims: yield* indexClaims(claiming),
      children
    }
    return { ...arbitrateAll(arena, layers), orphans: orphansOf(arena.claims) }
  })
