import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import { queries } from "@/api/queries";
import { bytes } from "@/lib/format";
import { STATES } from "../models/words";

type Row = [string, React.ReactNode];
const files = (room: { files: number; bytes: number }): string => `${bytes(room.bytes)}, ${room.files.toLocaleString("en")} ${room.files === 1 ? "file" : "files"}`;

/** Where things lie and how much they take. */
export function Storage() {
  const status = useQuery(queries.status).data;
  const cache = useQuery(queries.cache).data;
  const settings = useQuery(queries.systemSettings).data;
  const room = useQuery({ queryKey: ["assets", "storage"], queryFn: ({ signal }) => take(api.GET("/api/system/storage", { signal })) }).data;
  const disk = status?.disk as Record<string, number> | undefined;
  const rows: Row[] = [
    ...(disk?.total_bytes ? [["Disk", `${bytes(disk.free_bytes ?? 0)} free of ${bytes(disk.total_bytes)}`] as Row] : []),
    ...(cache ? [["Models", bytes(cache.cached_gb * 1e9)] as Row] : []),
    ...(room ? ([
      ["Library", <Link key="library" to="/assets" className="text-link">{files(room.library)}</Link>],
      ["Trash", <Link key="trash" to="/assets" search={{ tab: "trash" }} className="text-link">{files(room.trash)}</Link>],
      ["Pictures sent in", files(room.inputs)], ["Database", bytes(room.database.bytes)], ["Cache", bytes(room.cache.bytes)],
    ] as Row[]) : []),
    ...(settings ? ([["Data folder", settings.data_dir], ["Cache folder", settings.cache_dir], ["Configuration", settings.config_file], ["Largest upload", bytes(settings.limits.upload_bytes)], ["Network", settings.offline ? "offline by choice" : "used when a backend needs it"]] as Row[]) : []),
  ];
  return (
    <>
      <dl className="facts">{rows.map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name} className="break-all">{value}</dd>])}</dl>
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
