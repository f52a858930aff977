// Our own small line icons; drawn on a 20 by 20 grid, 1.6 wide.
const PATHS = {
  close: "M4.5 4.5l11 11M15.5 4.5l-11 11",
  plus: "M10 3.5v13M3.5 10h13",
  check: "M3.5 10.5l4 4.5 9-10",
  search: "M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM12.7 12.7L17 17",
  dice: "M3.5 3.5h13v13h-13zM7 7h.01M13 13h.01M10 10h.01M13 7h.01M7 13h.01",
  lock: "M5 9h10v8H5zM7 9V6a3 3 0 0 1 6 0v3",
  unlock: "M5 9h10v8H5zM7 9V6a3 3 0 0 1 5.8-1",
  down: "M10 3v10M5.5 9l4.5 4.5L14.5 9M4 17h12",
  up: "M10 17V5M5.5 9.5L10 5l4.5 4.5",
  fall: "M10 3v12M5.5 10.5L10 15l4.5-4.5",
  left: "M12.5 4L6.5 10l6 6",
  right: "M7.5 4l6 6-6 6",
  more: "M4 9.5h1v1H4zM9.5 9.5h1v1h-1zM15 9.5h1v1h-1z",
  pause: "M7 4v12M13 4v12",
  play: "M6 3.5v13l10-6.5z",
  trash: "M3.5 5.5h13M8 5.5V3.5h4v2M5 5.5l1 11h8l1-11",
  image: "M3 4h14v12H3zM3 13l4-4 3.5 3.5L13 10l4 4",
  brush: "M16.5 3.5l-8 8M8.5 11.5c-2.5 0-2.5 3-5 4 2.5 1.5 6.5 1 6.5-2.5z",
  copy: "M7 7h9v9H7zM4 13V4h9",
  heart: "M10 16.5S3.5 12.5 3.5 8A3.4 3.4 0 0 1 10 6.4 3.4 3.4 0 0 1 16.5 8c0 4.5-6.5 8.5-6.5 8.5z",
  again: "M15.5 6.5A6.5 6.5 0 1 0 16.5 11M16 3v4h-4",
  enlarge: "M3.5 9.5h7v7h-7zM10 3.5h6.500v6.500M16.500 3.500L10 10",
  menu: "M3.5 5.5h13M3.5 10h13M3.5 14.5h13",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The grease pencil: a box around what is selected, a circle around what is kept. Drawn by hand, so not quite straight. */
export function Grease({ shape }: { shape: "box" | "circle" }) {
  const path =
    shape === "box"
      ? "M3 5 C 30 2.5, 70 4.5, 97.5 2.5 C 98.5 30, 96.5 65, 98 96.5 C 70 98.5, 35 95.5, 2 97.5 C 1 70, 3.5 35, 1.5 1"
      : "M58 6 C 20 -2, -2 30, 4 58 C 10 96, 62 104, 86 82 C 108 58, 96 12, 50 3";
  return (
    <svg className="grease" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
