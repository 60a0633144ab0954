/**
 * The stylesheet of the API's page: follows the reader's light or dark setting, and works on phones and in
 * print.
 */
export const STYLE = `:root {
  color-scheme: light dark;
  --back: #ffffff;
  --text: #1d2328;
  --faint: #57606a;
  --line: #d4d9de;
  --code: #f3f5f7;
  --link: #0a58b8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14181c;
    --text: #e3e7eb;
    --faint: #a0a9b2;
    --line: #353c43;
    --code: #1f252b;
    --link: #7db4ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  padding: 1rem;
  max-width: 64rem;
  background: var(--back);
  color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--link); }
:target { scroll-margin-top: 1rem; outline: 2px solid var(--link); outline-offset: 0.5rem; }
small, .example, figcaption, caption { color: var(--faint); font-weight: normal; }
code { padding: 0.1em 0.3em; border-radius: 0.25rem; background: var(--code); font-size: 0.9em; }
pre { margin: 0.25rem 0 0; padding: 0.75rem; border-radius: 0.25rem; background: var(--code); overflow-x: auto; }
pre code { padding: 0; background: none; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
article { margin: 2rem 0; padding-bottom: 1rem; border-bottom: 1px solid var(--line); }
figure { margin: 0.5rem 0; }
nav ul { padding: 0; list-style: none; }
.wide { overflow-x: auto; }
table { width: 100%; min-width: 38rem; margin: 1rem 0; border-collapse: collapse; font-size: 0.95rem; }
caption { text-align: left; }
th, td { padding: 0.35rem 0.75rem 0.35rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: break-word; }
th[scope='row'] { min-width: 7rem; }
@media print {
  body { max-width: none; }
  article { break-inside: avoid; }
}
`;
