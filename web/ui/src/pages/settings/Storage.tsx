import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import { bytes } from "@/lib/format";
import { STATES } from "../models/words";

/** Where things lie and how much they take. */
export function Storage() {
  const status = useQuery(queries.status).data;
  const cache = useQuery(queries.cache).data;
  const settings = useQuery(queries.systemSettings).data;
  const disk = status?.disk as Record<string, number> | undefined;
  const rows: [string, string][] = [
    ...(disk?.total_bytes ? [["Disk", `${bytes(disk.free_bytes ?? 0)} free of ${bytes(disk.total_bytes)}`] as [string, string]] : []),
    ...(cache ? [["Models", `${bytes(cache.cached_gb * 1e9)} on this disk`] as [string, string]] : []),
    ...(settings ? ([["Data", settings.data_dir], ["Cache", settings.cache_dir], ["Configuration", settings.config_file], ["Largest upload", bytes(settings.limits.upload_bytes)], ["Network", settings.offline ? "offline by choice" : "used when a backend needs it"]] as [string, string][]) : []),
  ];
  return (
    <>
      <dl className="facts">{rows.map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}</dl>
      {cache && cache.models.length > 0 && (
        <ul className="rows mt-3 border-t border-line" aria-label="Models that are kept on disk">
          {cache.models.map((model) => (
            <li key={model.id} className="flex flex-wrap justify-between gap-3 py-2">
              <Link to="/model/$" params={{ _splat: model.id }} className="text-link">{model.title}</Link>
              <span className="param">{model.cached ? "" : `${STATES[model.availability as keyof typeof STATES] ?? model.availability}, `}{model.disk_gb ? bytes(model.disk_gb * 1e9) : "size not known"}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
