// Checks of the services: names, order, ports, health, environment.
import type { Document } from "./DocumentSchema.ts"
import type { Finding, Path } from "./IssueSink.ts"
import { capabilityFindings } from "./LinuxCapabilities.ts"
import { didYouMean } from "./Suggestion.ts"

type Service = NonNullable<Document["services"]>[number]
type Services = ReadonlyArray<Service>

const at = (index: number, ...rest: Path): Path => ["services", index, ...rest]

const names = (services: Services): ReadonlyArray<Finding> => {
  const known = new Set<string>()
  return services.flatMap(({ name }, index): ReadonlyArray<Finding> => {
    if (!known.has(name)) {
      known.add(name)
      return []
    }
    return [{ code: "duplicate_service", path: at(index, "name"), message: `the service ${name} is there already` }]
  })
}

const targets = (services: Services): ReadonlyArray<Finding> => {
  const known = new Set(services.map(({ name }) => name))
  return services.flatMap(({ dependencies = [] }, index) =>
    dependencies.flatMap(({ service }, position): ReadonlyArray<Finding> => {
      if (known.has(service)) return []
      const path = at(index, "dependencies", position, "service")
      const message = `the module has no service ${JSON.stringify(service)}`
      return [{ code: "unknown_service", path, message, hint: () => didYouMean(service, [...known]) }]
    })
  )
}

/** Takes away services that wait for nobody, again and again; whoever is left waits in a circle or for one. */
const waitingInCircles = (services: Services): ReadonlyMap<string, ReadonlySet<string>> => {
  const known = new Set(services.map(({ name }) => name))
  const waiting = new Map(
    services.map(({ dependencies = [], name }) =>
      [name, new Set(dependencies.map(({ service }) => service).filter((service) => known.has(service)))] as const
    )
  )
  const waitedForBy = new Map<string, Array<string>>(services.map(({ name }) => [name, []]))
  for (const [name, waitsFor] of waiting) for (const other of waitsFor) waitedForBy.get(other)?.push(name)
  const missing = new Map([...waiting].map(([name, waitsFor]) => [name, waitsFor.size]))
  const free = [...waiting.keys()].filter((name) => missing.get(name) === 0)
  for (const other of free) {
    waiting.delete(other)
    for (const name of waitedForBy.get(other) ?? []) {
      const left = (missing.get(name) ?? 0) - 1
      missing.set(name, left)
      if (left === 0) free.push(name)
    }
  }
  return waiting
}

const circleShown = 10

const circleText = (loop: ReadonlyArray<string>): string =>
  loop.length <= circleShown
    ? [...loop, ...loop.slice(0, 1)].join(" → ")
    : `${loop.slice(0, circleShown).join(" → ")} → … (${loop.length} services)`

/** Whom a walk from a service to the first that it waits for meets, until somebody is met again. */
const walkFrom = (
  start: string,
  waiting: ReadonlyMap<string, ReadonlySet<string>>,
  met: Set<string>
): { readonly walk: ReadonlyArray<string>; readonly end: string | undefined } => {
  const walk: Array<string> = []
  let name: string | undefined = start
  while (name !== undefined && !met.has(name)) {
    met.add(name)
    walk.push(name)
    name = [...waiting.get(name) ?? []].find((other) => waiting.has(other))
  }
  return { walk, end: name }
}

const cycles = (services: Services): ReadonlyArray<Finding> => {
  const waiting = waitingInCircles(services)
  const met = new Set<string>()
  return [...waiting.keys()].sort().flatMap((start): ReadonlyArray<Finding> => {
    const { end, walk } = walkFrom(start, waiting, met)
    const loop = end === undefined || !walk.includes(end) ? [] : walk.slice(walk.indexOf(end))
    if (loop.length === 0) return []
    const index = services.findIndex(({ name }) => name === loop[0])
    const message = `services wait for each other in a circle: ${circleText(loop)}`
    return [{ code: "service_cycle", path: at(index, "dependencies"), message }]
  })
}

const ports = (services: Services): ReadonlyArray<Finding> => {
  const taken = new Map<string, string>()
  return services.flatMap(({ exposed_ports: exposed = [], name }, index) =>
    exposed.flatMap(({ port, protocol }, position): ReadonlyArray<Finding> => {
      const key = `${port}/${protocol}`
      const owner = taken.get(key)
      taken.set(key, owner ?? name)
      return owner === undefined
        ? []
        : [{ code: "port_taken", path: at(index, "exposed_ports", position), message: `${key} is ${owner}'s already` }]
    })
  )
}

const health = ({ health }: Service, index: number): ReadonlyArray<Finding> => {
  if (health === undefined) return []
  const { endpoint, interval_seconds: interval, method, timeout_seconds: timeout } = health
  return [
    ...(timeout > interval
      ? [{
        code: "health_timeout" as const,
        path: at(index, "health"),
        message: `a check may take ${timeout} s, and the next one starts after ${interval} s`
      }]
      : []),
    ...(endpoint === undefined || endpoint.trim() === ""
      ? [{
        code: "health_endpoint" as const,
        path: at(index, "health"),
        message: `the ${method} check has no \`endpoint\``
      }]
      : [])
  ]
}

const environment = ({ env = {} }: Service, index: number): ReadonlyArray<Finding> =>
  Object.entries(env).flatMap(([name, value]): ReadonlyArray<Finding> =>
    typeof value === "string" ? [] : [{
      code: "env_not_text",
      path: at(index, "env", name),
      message: value === null
        ? `${name} has no value; it is taken as empty`
        : `${name} is a ${typeof value}, and an environment has texts; it is taken as written`,
      hint: value === null ? "an empty text is \"\"" : "quote it"
    }]
  )

const command = (service: Service, index: number): ReadonlyArray<Finding> =>
  service.start_command === undefined || service.start_command.trim() === ""
    ? [{
      code: "service_without_command",
      path: at(index),
      message: `the service ${service.name} has no \`start_command\``
    }]
    : []

export const serviceFindings = ({ services = [] }: Document): ReadonlyArray<Finding> => [
  ...names(services),
  ...targets(services),
  ...cycles(services),
  ...ports(services),
  ...services.flatMap((service, index) => [
    ...command(service, index),
    ...environment(service, index),
    ...health(service, index),
    ...capabilityFindings(service.capabilities, at(index, "capabilities"))
  ])
]
