import { createElement, Fragment, type ReactNode, useMemo, useState } from "react";
import "./prose.css";

const PLAIN = new Set(["B", "BLOCKQUOTE", "BR", "CODE", "EM", "HR", "I", "LI", "OL", "P", "PRE", "S", "STRONG", "SUB", "SUP", "TABLE", "TBODY", "TD", "TH", "THEAD", "TR", "U", "UL"]);
const VOID = new Set(["BR", "HR"]);
const LONG = 1200;

/** Other people's HTML as text of ours: only words, lists and web links are taken over; no markup of theirs reaches the page. */
export function Prose({ html, title }: { html: string; title: string }) {
  const [open, setOpen] = useState(false);
  const parts = useMemo(() => read(html), [html]);
  if (!html.trim()) return null;
  const long = html.length > LONG;
  return (
    <section aria-label={title}>
      <h2 className="label mb-2">{title}</h2>
      <div className={`prose max-w-prose ${long && !open ? "max-h-72 overflow-hidden" : ""}`}>{parts}</div>
      {long && <button type="button" className="text-link mt-2 min-h-6" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Less" : "All of it"}</button>}
    </section>
  );
}

/** HTML as elements; a parsed document runs and loads nothing. */
export function read(html: string): ReactNode[] {
  return inside(new DOMParser().parseFromString(html, "text/html").body);
}

function inside(node: Node): ReactNode[] {
  return [...node.childNodes].map((child, index) => {
    if (child.nodeType === Node.TEXT_NODE) return child.textContent;
    if (!(child instanceof HTMLElement) || ["SCRIPT", "STYLE", "TEMPLATE"].includes(child.tagName)) return null; // pictures in markup (SVG) are no HTML
    const tag = child.tagName;
    if (tag === "A") {
      const href = child.getAttribute("href") ?? "";
      return /^https?:\/\//i.test(href) ? <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow">{inside(child)}</a> : <Fragment key={index}>{inside(child)}</Fragment>;
    }
    if (/^H[1-6]$/.test(tag)) return <h3 key={index}>{inside(child)}</h3>;
    if (!PLAIN.has(tag)) return <Fragment key={index}>{inside(child)}</Fragment>;
    return VOID.has(tag) ? createElement(tag.toLowerCase(), { key: index }) : createElement(tag.toLowerCase(), { key: index }, ...inside(child));
  });
}
