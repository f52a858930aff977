import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";

/** What is in use, and what could not be loaded and why. */
export function Plugins() {
  const { data } = useQuery(queries.plugins);
  if (!data) return null;
  return (
    <div className="grid gap-3">
      {data.broken.map((plugin) => <p key={`${plugin.distribution}-${plugin.name}`} className="note"><strong>{plugin.name}</strong> <span className="param">{plugin.distribution} {plugin.version}</span> could not be loaded: {plugin.reason}</p>)}
      <ul className="rows border-t border-line">
        {data.loaded.map((plugin) => (
          <li key={plugin.id} className="flex flex-wrap justify-between gap-x-4 py-2"><span>{plugin.title || plugin.id} <span className="param text-dim">{plugin.id}</span></span><span className="param text-dim">{[`${plugin.distribution} ${plugin.version}`.trim(), plugin.placement].filter(Boolean).join(" · ")}</span></li>
        ))}
      </ul>
      <p className="hint">Plugins are installed on the command line only.</p>
    </div>
  );
}
