/** The look, in the desk's values. Nothing of it leaves the shadow root, and nothing of the page comes in. */

const LIGHT = `--surface: #fff; --sunken: #efefeb; --hover: #ecece7; --line: #e5e4df; --control-line: #8b8b85; --text: #1b1d1f;
  --text-2: #4b4f54; --text-3: #65696e; --accent: #0b6870; --accent-hover: #08575e; --on-accent: #fff; --warn: #8a5300;
  --warn-soft: #fcf0d9; --danger: #b3261e; --danger-soft: #fceae8; color-scheme: light;
  --shadow-2: 0 2px 6px rgb(27 29 31 / .12), 0 8px 24px rgb(27 29 31 / .14); --shadow-3: 0 4px 12px rgb(27 29 31 / .08), 0 24px 64px rgb(27 29 31 / .22);`;

const DARK = `--surface: #181c1f; --sunken: #22272b; --hover: #20262a; --line: #272d31; --control-line: #6b757c; --text: #e9ebec;
  --text-2: #b6bcc1; --text-3: #8f979d; --accent: #3fb3b5; --accent-hover: #5cc6c7; --on-accent: #061a1b; --warn: #e0ad55;
  --warn-soft: #33270f; --danger: #f28b82; --danger-soft: #3a1d1b; color-scheme: dark;
  --shadow-2: 0 2px 6px rgb(0 0 0 / .3), 0 8px 24px rgb(0 0 0 / .36); --shadow-3: 0 4px 12px rgb(0 0 0 / .36), 0 24px 64px rgb(0 0 0 / .6);`;

export const STYLES = `
:host { all: initial; ${LIGHT} position: fixed; inset-block-end: 20px; inset-inline-end: 20px; z-index: 2147483000;
  font: 14px/21px Inter, "Segoe UI Variable Text", "Segoe UI", -apple-system, BlinkMacSystemFont, Roboto, Lato, "Noto Sans", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { :host(:not([data-theme="light"])) { ${DARK} } }
:host([data-theme="dark"]) { ${DARK} }
@media print { :host { display: none; } }
*, *::before { box-sizing: border-box; }
[hidden], .banner:empty, .notice:empty { display: none !important; }
button, textarea, input { font: inherit; color: inherit; }
button { border: 0; background: none; cursor: pointer; padding: 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; display: block; }
.launch { width: 52px; height: 52px; border-radius: 999px; background: var(--accent); color: var(--on-accent); display: grid;
  place-items: center; margin-inline-start: auto; box-shadow: var(--shadow-2); position: relative; transition: background 80ms; }
.launch:hover { background: var(--accent-hover); }
.badge { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 20px; height: 20px; border-radius: 999px; padding: 0 6px;
  background: var(--danger); color: var(--surface); font-size: 12px; font-weight: 600; line-height: 20px; }
.panel { width: min(372px, calc(100vw - 40px)); height: min(580px, calc(100dvh - 104px)); margin-block-end: 12px; background: var(--surface);
  color: var(--text); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow-3); display: flex;
  flex-direction: column; overflow: hidden; animation: rise 150ms cubic-bezier(.2, 0, 0, 1); }
@keyframes rise { from { opacity: 0; transform: translateY(4px); } }
@media (prefers-reduced-motion: reduce) { .panel { animation: none; } .launch { transition: none; } }
header { display: flex; align-items: center; min-height: 52px; padding-inline: 16px 8px; border-block-end: 1px solid var(--line); flex: none; }
h2 { font-size: 16px; line-height: 22px; font-weight: 600; margin: 0; flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tool { width: 36px; height: 36px; border-radius: 8px; display: grid; place-items: center; color: var(--text-2); flex: none; }
.tool:hover { background: var(--hover); color: var(--text); }
.tool svg { width: 20px; height: 20px; }
.banner, .notice { padding: 8px 16px; font-size: 13px; line-height: 20px; flex: none; overflow-wrap: anywhere; }
.banner { background: var(--warn-soft); color: var(--warn); }
.notice { background: var(--danger-soft); color: var(--danger); }
.log { flex: 1; min-height: 0; overflow-y: auto; padding: 16px; display: flex; flex-direction: column; overscroll-behavior: contain; }
.log:focus-visible { outline-offset: -2px; }
.log > :first-child { margin-block-start: auto; }
.greeting { color: var(--text-2); margin: 0 0 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
.greeting[hidden] + .line { margin-block-start: auto; }
.line { max-width: 84%; align-self: flex-start; margin-block-start: 4px; }
.line.you { align-self: flex-end; }
.who { font-size: 12px; line-height: 16px; font-weight: 600; color: var(--text-2); margin: 8px 2px 4px; }
.bubble { background: var(--sunken); border-radius: 4px 12px 12px 12px; padding: 7px 12px; white-space: pre-wrap; overflow-wrap: anywhere; width: fit-content; max-width: 100%; }
.you .bubble { background: var(--accent); color: var(--on-accent); border-radius: 12px 12px 4px 12px; margin-inline-start: auto; }
.bubble a { color: inherit; }
.picture, .file { display: block; }
.bubble img { display: block; max-width: 100%; max-height: 220px; min-width: 48px; min-height: 32px; border-radius: 6px; background: var(--surface); }
.meta { font-size: 12px; line-height: 16px; color: var(--text-3); margin: 4px 2px; font-variant-numeric: tabular-nums; }
.you .meta { text-align: end; }
.meta.bad { color: var(--danger); }
.meta button { color: var(--danger); font-weight: 600; text-decoration: underline; min-height: 24px; }
.writing { display: flex; align-items: center; gap: 6px; padding: 0 18px 6px; font-size: 12px; line-height: 16px; color: var(--text-2); flex: none; }
.writing span { display: inline-flex; gap: 2px; }
.writing b { width: 4px; height: 4px; border-radius: 50%; background: var(--text-3); animation: dot 1.2s infinite; }
.writing b:nth-child(2) { animation-delay: 200ms; }
.writing b:nth-child(3) { animation-delay: 400ms; }
@keyframes dot { 50% { opacity: .3; } }
@media (prefers-reduced-motion: reduce) { .writing b { animation: none; } }
.form { display: grid; gap: 8px; padding: 12px 16px 0; border-block-start: 1px solid var(--line); flex: none; }
.form label { display: grid; gap: 2px; font-size: 12px; line-height: 16px; color: var(--text-2); }
input, textarea { background: var(--surface); border: 1px solid var(--control-line); border-radius: 8px; padding: 7px 10px; color: var(--text); font-size: 14px; line-height: 21px; }
.write { display: flex; gap: 4px; align-items: flex-end; padding: 8px; border-block-start: 1px solid var(--line); flex: none; }
.form:not([hidden]) ~ .write { border-block-start: 0; }
input:focus-visible, textarea:focus-visible { outline-offset: -1px; }
textarea { flex: 1; resize: none; min-width: 0; max-height: 126px; }
textarea::placeholder { color: var(--text-3); opacity: 1; }
.send { color: var(--accent); }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.launch[aria-expanded="true"] .shut, .launch[aria-expanded="false"] .down { display: none; }
@media (max-width: 480px) { .panel:not([hidden]) + .launch { display: none; } .panel { position: fixed; inset: 0; width: auto; height: auto; margin: 0; border-radius: 0; border: 0; }
  input, textarea { font-size: 16px; } }
`;
