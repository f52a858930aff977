import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, type ModelSummary, take } from "@/api/client";
import { Icon, type IconName } from "@/ui/icons";
import { meanColour } from "@/ui/placeholders";

const LAST = 200;
const SIGNS: Record<ModelSummary["operations"][number], IconName> = { generate: "image", edit: "brush", video: "play", upscale: "enlarge" };

/** The last frame that each model made here, as far back as one page of the library goes. */
const samples = queryOptions({
  queryKey: ["assets", "samples"],
  queryFn: async ({ signal }) => {
    const { assets } = await take(api.GET("/api/assets", { params: { query: { limit: LAST } }, signal }));
    return new Map(assets.reverse().map((asset) => [asset.model, { url: asset.thumbnail_url, placeholder: asset.placeholder }]));
  },
  staleTime: 60_000,
});

/** What a model draws: its last frame, else a sign for what it does. */
export function Sample({ model }: { model: Pick<ModelSummary, "id" | "operations"> }) {
  const made = useQuery(samples).data?.get(model.id);
  const sign = SIGNS[model.operations[0] ?? "generate"];
  return (
    <span className="grid size-14 flex-none place-items-center overflow-hidden border border-film-line bg-film text-film-ink" aria-hidden="true">
      {made ? <img src={made.url} alt="" loading="lazy" className="max-h-full object-contain" style={{ backgroundColor: meanColour(made.placeholder) }} /> : <Icon name={sign} />}
    </span>
  );
}
