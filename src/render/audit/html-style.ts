// How the report looks, and the digest by which the page's policy lets in this style and no other (CSP Level 3 §2.3.1).

export const pageStyle = `
:root { color-scheme: light dark; --bad: #b00020; --warn: #8a5a00; --good: #14692f; --faint: #5c6370; --line: #d5d9e0 }
@media (prefers-color-scheme: dark) {
  :root { --bad: #ff8a93; --warn: #f0c060; --good: #7fd699; --faint: #a0a7b4; --line: #3c424d }
}
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
.total { border-left: .4rem solid; font-size: 1.2rem; font-weight: 600; padding-left: .8rem }
.bad, .error { color: var(--bad) }
.warn { color: var(--warn) }
.good { color: var(--good) }
.note { color: var(--faint) }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere; min-width: 6rem }
td:has(> span, > a, > i) { min-width: 0 }
td > span, td > a, td > i { white-space: nowrap; font-style: normal }
th { position: sticky; top: 0; background: Canvas }
code { font: .9em ui-monospace, monospace }
@media (max-width: 50rem) {
  thead { display: none }
  tbody, tr, td { display: block }
  tr { border-bottom: 1px solid var(--line); padding: .6rem 0 }
  td { border: 0; padding: .1rem 0 }
  td:empty { display: none }
}
@media (min-width: 50.01rem) { section { overflow-x: auto } }
footer { color: var(--faint); margin-top: 2rem }
`;

/** SHA-256 of it; a test says what it must be. */
export const pageStyleHash = 'sha256-7RPKWC9tb3jMHsaPgYqvo8EbWitdyIw4aWOXHm9vPvo=';
