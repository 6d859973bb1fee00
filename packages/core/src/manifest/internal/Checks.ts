// What the schema cannot say. Every check looks at the author's document, so that a finding points at the author's text.
import type { Document } from "./DocumentSchema.ts"
import type { Finding, Path } from "./IssueSink.ts"
import { capabilityFindings } from "./LinuxCapabilities.ts"
import { serviceFindings } from "./ServiceChecks.ts"
import * as Spdx from "./SpdxExpression.ts"
import { dependencyFindings, specFindings } from "./SpecChecks.ts"
import { didYouMean } from "./Suggestion.ts"
import { regexpFindings } from "./TrustRegexp.ts"

const license = (document: Document): ReadonlyArray<Finding> => {
  const text = document.license
  if (text === undefined || text.trim() === "") return []
  const path = ["license"]
  const reading = Spdx.read(text)
  if (!reading.isExpression) {
    const hint = "for example MIT, or GPL-2.0-only WITH Linux-syscall-note; what has no identifier is LicenseRef-…"
    return [{ code: "invalid_license", path, message: "the licence is not an SPDX expression", hint }]
  }
  return reading.unknown.map((identifier) => ({
    code: "unknown_license",
    path,
    message: `${identifier} is not a licence or exception that is known here`,
    hint: () => didYouMean(identifier, Spdx.knownLicences)
  }))
}

const family = (document: Document): ReadonlyArray<Finding> => {
  const isWrapped = "identity" in document
  const { parent_module: parent, variety } = isWrapped ? document.identity : document
  const at = (key: string): Path => isWrapped ? ["identity", key] : [key]
  if (variety !== "subscription" && parent === undefined) {
    const message = `a ${variety} module adjusts a parent, and none is named`
    return [{ code: "missing_parent", path: at("variety"), message, hint: "add `parent_module`" }]
  }
  if (variety === "subscription" && parent !== undefined) {
    const message = "only config and instance modules have a parent"
    return [{ code: "unexpected_parent", path: at("parent_module"), message, hint: "set `variety`, or remove it" }]
  }
  return []
}

const trust = (document: Document): ReadonlyArray<Finding> =>
  "identity" in document
    ? [
      ...regexpFindings(document.identity.cosign_identity_regexp, ["identity", "cosign_identity_regexp"]),
      ...regexpFindings(document.identity.cosign_issuer_regexp, ["identity", "cosign_issuer_regexp"])
    ]
    : []

const isPort = (text: string): boolean => /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

const isHost = (text: string): boolean =>
  /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(text) ||
  (text.length <= 255 && /^(?:\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*$/.test(text) && !/[.-]$/.test(text))

const isDestination = (text: string): boolean => {
  const colon = text.endsWith("]") ? -1 : text.lastIndexOf(":")
  return colon < 0 ? isHost(text) : isHost(text.slice(0, colon)) && isPort(text.slice(colon + 1))
}

const security = (document: Document): ReadonlyArray<Finding> => {
  const { security } = document
  if (security === undefined) return []
  const found: Array<Finding> = [...capabilityFindings(security.capabilities, ["security", "capabilities"])]
  for (const [index, destination] of (security.egress_allow ?? []).entries()) {
    if (isDestination(destination)) continue
    const message = `${JSON.stringify(destination)} is neither host nor host:port`
    found.push({ code: "invalid_egress", path: ["security", "egress_allow", index], message })
  }
  const confined = [
    ...((security.capabilities ?? []).length > 0 ? ["capabilities"] : []),
    ...(["selinux_profile", "apparmor_profile", "seccomp_profile"] as const).filter((key) => Boolean(security[key]))
  ]
  if (security.privileged === true && confined.length > 0) {
    const message = `a privileged module is not confined, so ${confined.join(", ")} would mean nothing`
    found.push({
      code: "privileged_and_confined",
      path: ["security", "privileged"],
      message,
      hint: "remove `privileged`, or the rest"
    })
  }
  return found
}

const checks: ReadonlyArray<(document: Document) => ReadonlyArray<Finding>> = [
  license,
  family,
  trust,
  specFindings,
  dependencyFindings,
  security,
  serviceFindings
]

export const findings = (document: Document): ReadonlyArray<Finding> => checks.flatMap((check) => check(document))
