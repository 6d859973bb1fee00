// Checks of the services: names, order, ports, health, environment.
import type { Document } from "./DocumentSchema.ts"
import type { Finding, Path } from "./IssueSink.ts"
import { capabilityFindings } from "./LinuxCapabilities.ts"
import { didYouMean } from "./Suggestion.ts"

type Service = NonNullable<Document["services"]>[number]
type Services = ReadonlyArray<Service>

const at = (index: number, ...rest: Path): Path => ["services", index, ...rest]

const names = (services: Services): ReadonlyArray<Finding> =>
  services.flatMap(({ name }, index): ReadonlyArray<Finding> =>
    services.findIndex((other) => other.name === name) < index
      ? [{ code: "duplicate_service", path: at(index, "name"), message: `the service ${name} is there already` }]
      : []
  )

const targets = (services: Services): ReadonlyArray<Finding> => {
  const known = services.map(({ name }) => name)
  return services.flatMap(({ dependencies = [] }, index) =>
    dependencies.flatMap(({ service }, position): ReadonlyArray<Finding> => {
      if (known.includes(service)) return []
      const path = at(index, "dependencies", position, "service")
      const message = `the module has no service ${JSON.stringify(service)}`
      return [{ code: "unknown_service", path, message, hint: didYouMean(service, known) }]
    })
  )
}

/** Takes away services that wait for nobody, again and again; whoever is left waits in a circle or for one. */
const waitingInCircles = (services: Services): ReadonlyMap<string, ReadonlyArray<string>> => {
  const all = new Map(
    services.map(({ dependencies = [], name }) => [name, dependencies.map(({ service }) => service)] as const)
  )
  for (;;) {
    const free = [...all].filter(([, waitsFor]) => !waitsFor.some((name) => all.has(name)))
    if (free.length === 0) return all
    for (const [name] of free) all.delete(name)
  }
}

const cycles = (services: Services): ReadonlyArray<Finding> => {
  const waiting = waitingInCircles(services)
  const reported = new Set<string>()
  const found: Array<Finding> = []
  for (const start of [...waiting.keys()].sort()) {
    const walk: Array<string> = []
    let name: string | undefined = start
    while (name !== undefined && !walk.includes(name)) {
      walk.push(name)
      name = waiting.get(name)?.find((other) => waiting.has(other))
    }
    const loop: ReadonlyArray<string> = name === undefined ? [] : walk.slice(walk.indexOf(name))
    const [first] = loop
    if (first === undefined || loop.some((member) => reported.has(member))) continue
    for (const member of loop) reported.add(member)
    const index = services.findIndex((service) => service.name === first)
    const message = `services wait for each other in a circle: ${[...loop, first].join(" → ")}`
    found.push({ code: "service_cycle", path: at(index, "dependencies"), message })
  }
  return found
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
  const { endpoint, interval_seconds: interval = 30, method = "GET", timeout_seconds: timeout = 5 } = health
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
      message: `${name} is a ${typeof value}, and an environment has texts; it is taken as written`,
      hint: "quote it"
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
