import { useQuery } from "@tanstack/react-query";
import { sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import { setFavourite } from "./gallery";

/** Keeps a frame: the grease pencil's circle. */
export function FavouriteButton({ id }: { id: string }) {
  const { data } = useQuery(queries.asset(id));
  const on = data?.favourite ?? false;
  return (
    <button type="button" className="button square" aria-pressed={on} aria-label="Favourite" title="Favourite" disabled={!data}
      onClick={() => setFavourite(id, !on).catch((error: unknown) => say(sentenceOf(error), "wrong"))}>
      <Icon name="heart" />
    </button>
  );
}
