// SPDX licence expressions (SPDX 2.3, annex D): identifiers, `+`, WITH, AND, OR and parentheses.

/** Identifiers that are met in Linux distributions. Others are only warned about, so the list need not be complete. */
const licences = new Set(
  `0BSD AFL-2.1 AFL-3.0 AGPL-1.0-only AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 APSL-2.0 Artistic-1.0
  Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause
  BSD-3-Clause-Clear BSD-4-Clause BSD-4-Clause-UC BSL-1.0 BUSL-1.1 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0
  CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CECILL-2.1 CPL-1.0 curl ECL-2.0 EFL-2.0 Elastic-2.0 EPL-1.0 EPL-2.0 EUPL-1.1
  EUPL-1.2 FSFAP FSFUL FSFULLR FTL GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-only
  GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG IPL-1.0 ISC JSON
  LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later Libpng libtiff LPPL-1.3c
  MIT MIT-0 MIT-CMU MPL-1.0 MPL-1.1 MPL-2.0 MPL-2.0-no-copyleft-exception MS-PL MS-RL NCSA NTP OFL-1.0 OFL-1.1 OLDAP-2.8
  OpenSSL OSL-3.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Python-2.0.1 QPL-1.0 RSALv2 Ruby SGI-B-2.0 Sleepycat SMLNJ
  SSPL-1.0 TCL Unicode-3.0 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 Zlib zlib-acknowledgement ZPL-2.1
  GPL-2.0 GPL-3.0 LGPL-2.1 LGPL-3.0 AGPL-3.0 GPL-2.0+ GPL-3.0+ LGPL-2.1+ LGPL-3.0+`.split(/\s+/)
)

const exceptions = new Set(
  `Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Bootloader-exception Classpath-exception-2.0
  eCos-exception-2.0 Font-exception-2.0 GCC-exception-2.0 GCC-exception-3.1 Libtool-exception Linux-syscall-note
  LLVM-exception OpenJDK-assembly-exception-1.0 openvpn-openssl-exception Qt-GPL-exception-1.0 u-boot-exception-2.0
  WxWindows-exception-3.1`.split(/\s+/)
)

export const knownLicences: ReadonlyArray<string> = [...licences]

const identifier = /^[A-Za-z0-9][A-Za-z0-9.-]*\+?$/
const reference = /^(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+$/
const maximumTokens = 200

/** Whether the text is an expression, and which of its identifiers nobody knows. */
export type Reading = { readonly isExpression: false } | {
  readonly isExpression: true
  readonly unknown: ReadonlyArray<string>
}

const notAnExpression: Reading = { isExpression: false }

const isKnown = (token: string): boolean =>
  licences.has(token) || licences.has(token.replace(/\+$/, "")) || reference.test(token)

/** Reads the expression as alternating operands and operators; parentheses are only counted, since all else is flat. */
export const read = (text: string): Reading => {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? []
  if (tokens.length === 0 || tokens.length > maximumTokens) return notAnExpression
  const unknown: Array<string> = []
  let depth = 0
  let expects: "operand" | "operator" | "exception" = "operand"
  let mayTakeException = false
  for (const token of tokens) {
    if (token === "(") {
      if (expects !== "operand") return notAnExpression
      depth++
    } else if (token === ")") {
      if (expects !== "operator" || --depth < 0) return notAnExpression
      mayTakeException = false
    } else if (expects === "operator") {
      if (token === "WITH" && mayTakeException) expects = "exception"
      else if (token === "AND" || token === "OR") expects = "operand"
      else return notAnExpression
    } else {
      if (!(identifier.test(token) || reference.test(token)) || /^(?:AND|OR|WITH)$/.test(token)) return notAnExpression
      if (expects === "exception" ? !exceptions.has(token) : !isKnown(token)) unknown.push(token)
      mayTakeException = expects === "operand"
      expects = "operator"
    }
  }
  return expects === "operator" && depth === 0 ? { isExpression: true, unknown } : notAnExpression
}
