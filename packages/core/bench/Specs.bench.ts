// One million paths against the 300 patterns of 20 modules: which patterns cover each path. Beside it, a loop over
// precompiled minimatch and one over picomatch matchers, on a part of the paths (named), since they take minutes.
import { Glob, GlobSet } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import { type Contender, contest, inProcess, report } from "lamina-bench"
import { Minimatch } from "minimatch"
import picomatch from "picomatch"

const modules = 20
const pathCount = 1_000_000
const peerPathCount = 10_000

const patternsOf = (module: number): ReadonlyArray<string> => [
  `/usr/lib/module${module}/**`,
  `/usr/lib/*/module${module}.so*`,
  `/usr/lib/**/libmodule${module}-*.so`,
  `/usr/bin/module${module}`,
  `/usr/bin/module${module}-*`,
  `/usr/sbin/{module${module},module${module}d}`,
  `/usr/share/module${module}/**`,
  `/usr/share/doc/module${module}*/**`,
  `/usr/share/man/man[1-8]/module${module}*.[1-8].gz`,
  `/usr/share/locale/*/LC_MESSAGES/module${module}.mo`,
  `/usr/lib/systemd/system/module${module}*.service`,
  `/etc/module${module}`,
  `/etc/module${module}/*.d/*.conf`,
  `/var/lib/module${module}/**`,
  `/opt/module${module}/**/*.py`
]

const places = [
  (module: number, file: number) => `/usr/lib/module${module}/plugins/p${file % 40}/file${file}.so`,
  (module: number, file: number) => `/usr/lib/x86_64-linux-gnu/module${module}.so.${file}`,
  (_: number, file: number) => `/usr/lib/x86_64-linux-gnu/other/deep/er/libother${file}.so`,
  (module: number, file: number) => `/usr/share/module${module}/data/${file % 100}/item-${file}`,
  (_: number, file: number) => `/usr/share/icons/hicolor/${file % 64}x${file % 64}/apps/icon-${file}.png`,
  (module: number, file: number) => `/usr/share/man/man${file % 8 + 1}/module${module}-${file}.${file % 8 + 1}.gz`,
  (module: number, file: number) => `/etc/module${module}/conf.d/${file}.conf`,
  (module: number, file: number) => `/opt/module${module}/lib/python3/site-packages/p${file % 90}/m${file}.py`,
  (_: number, file: number) => `/var/cache/nobody/${file % 1000}/${file}`,
  (module: number, file: number) => `/usr/bin/module${module}-tool${file}`
]

const pathOf = (index: number): string => {
  const place = places[Math.floor(index / 50) % places.length]
  return place === undefined ? "" : place(Math.floor(index / 500) % modules, index)
}

const patterns = Array.from({ length: modules }, (_, module) => patternsOf(module)).flat()
const paths = Array.from({ length: pathCount }, (_, index) => pathOf(index))
const fewPaths = Array.from({ length: peerPathCount }, (_, index) => pathOf(index * (pathCount / peerPathCount)))

const globs = patterns.map((pattern) => Result.getOrThrow(Glob.parse(pattern)))
// The same meaning: a pattern which names a directory covers what is below it.
const covering = (pattern: string): ReadonlyArray<string> =>
  pattern.endsWith("/**") ? [pattern] : [pattern, `${pattern}/**`]
const minimatchers = patterns.map((pattern) => covering(pattern).map((text) => new Minimatch(text, { dot: true })))
const picomatchers = patterns.map((pattern) => picomatch([...covering(pattern)], { dot: true }))

const own = (): number => {
  const set = GlobSet.make(globs)
  return paths.reduce((count, path) => count + set.covering(path).length, 0)
}

const loop = (matchers: ReadonlyArray<(path: string) => boolean>): number =>
  fewPaths.reduce((count, path) => count + matchers.filter((matches) => matches(path)).length, 0)

const check = (): void => {
  const set = GlobSet.make(globs)
  const counts = [
    fewPaths.reduce((count, path) => count + set.covering(path).length, 0),
    loop(minimatchers.map((alternatives) => (path) => alternatives.some((one) => one.match(path)))),
    loop(picomatchers)
  ]
  if (new Set(counts).size !== 1) throw new Error(`the contenders do not agree: ${counts.join(", ")}`)
}

/** What a part of the paths took, for all of them. */
const scaled = (contender: Contender): Contender => ({
  ...contender,
  isPeer: true,
  run: async (watch) => {
    const { seconds } = await contender.run(watch)
    return { seconds: seconds * pathCount / peerPathCount }
  }
})

check()
const matched = (alternatives: ReadonlyArray<Minimatch>) => (path: string) =>
  alternatives.some((one) => one.match(path))
report(
  `${pathCount} paths against ${patterns.length} patterns of ${modules} modules; peers on ${peerPathCount} paths, scaled`,
  await contest([
    inProcess("@lamina/core GlobSet", own, 1),
    scaled(inProcess("minimatch, loop", () => loop(minimatchers.map(matched)))),
    scaled(inProcess("picomatch, loop", () => loop(picomatchers)))
  ])
)
