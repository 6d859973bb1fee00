import type { Finding, Path } from "./IssueSink.ts"
import { didYouMean } from "./Suggestion.ts"

/** The capabilities of Linux (include/uapi/linux/capability.h), CAP_CHOWN = 0 to CAP_CHECKPOINT_RESTORE = 40. */
const linuxCapabilities: ReadonlyArray<string> = `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID
  SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
  SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
  AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
  .split(/\s+/).map((name) => `CAP_${name}`)

const known: ReadonlySet<string> = new Set(linuxCapabilities)

const hintFor = (name: string): string | undefined =>
  known.has(`CAP_${name}`) ? `did you mean \`CAP_${name}\`?` : didYouMean(name, linuxCapabilities)

export const capabilityFindings = (names: ReadonlyArray<string> | undefined, path: Path): ReadonlyArray<Finding> =>
  (names ?? []).flatMap((name, index): ReadonlyArray<Finding> => {
    if (known.has(name)) return []
    const message = `${JSON.stringify(name)} is not a capability of Linux`
    return [{ code: "unknown_capability", path: [...path, index], message, hint: () => hintFor(name) }]
  })
