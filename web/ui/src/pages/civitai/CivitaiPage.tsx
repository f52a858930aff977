import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { Problem, sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { useTitle } from "@/lib/useTitle";
import { Downloads } from "./Downloads";
import { Filters } from "./Filters";
import { civitai } from "./queries";
import type { Search } from "./search";
import { Shot } from "./Shot";
import { aboutKey, type Card, count } from "./facts";

const route = getRouteApi("/civitai");

/** Models of Civitai, to be found and brought here. */
export default function CivitaiPage() {
  useTitle("Civitai");
  const search = route.useSearch();
  const pages = useInfiniteQuery(civitai.search(search));
  const cards = pages.data?.pages.flatMap((page) => page.models) ?? [];
  return (
    <div className="page !pb-24">
      <div className="page-head">
        <h1 className="title">Civitai</h1>
        <KeyState />
      </div>
      <Downloads />
      <Filters />
      {pages.error ? <Trouble error={pages.error} onRetry={() => void pages.refetch()} /> : pages.isPending ? <Waiting /> : cards.length === 0 && !pages.hasNextPage ? <Nothing search={search} /> : <Cards cards={cards} nsfw={search.nsfw} />}
      <More pages={pages} some={cards.length > 0} />
    </div>
  );
}

/** Whether a key is set, which some files need. */
function KeyState() {
  const provider = useQuery(queries.providers).data?.providers.find((item) => item.id === "civitai");
  if (!provider || provider.secrets.some((secret) => secret.set)) return null;
  return <p className="hint">No key is set. Search works without one; some creators give files to signed-in people only. <Link to="/settings" className="text-link">Set a key</Link></p>;
}

function Trouble({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const plain = error instanceof Problem ? error : null;
  return (
    <div className="note my-6 max-w-prose" role="alert">
      <p>{sentenceOf(error)}</p>
      <p className="toolbar mt-2">
        <button type="button" className="button" onClick={onRetry}>Ask again</button>
        {aboutKey(plain) && <Link to="/settings" className="button">Set the key</Link>}
      </p>
    </div>
  );
}

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(12.5rem,46%),1fr))] gap-1.5";

function Waiting() {
  return <div className={GRID} aria-busy="true">{Array.from({ length: 12 }, (_, index) => <div key={index} className="frame"><span className="picture aspect-[3/4]" /><span className="edge" /></div>)}</div>;
}

function Nothing({ search }: { search: Search }) {
  return <p className="hint py-6">{search.base || search.kind || search.period ? "Nothing fits these filters. " : "Nothing of that name. "}{Object.keys(search).length > 0 && <Link to="/civitai" search={search.q ? { q: search.q } : {}} className="text-link">Search without filters</Link>}</p>;
}

function Cards({ cards, nsfw }: { cards: readonly Card[]; nsfw: boolean | undefined }) {
  return <ul className={GRID} aria-label="Models">{cards.map((card) => <OneCard key={card.id} card={card} nsfw={nsfw} />)}</ul>;
}

function OneCard({ card, nsfw }: { card: Card; nsfw: boolean | undefined }) {
  return (
    <li className="frame on-film">
      <Link to="/civitai/$id" params={{ id: String(card.id) }} search={nsfw ? { nsfw } : {}} className="group flex h-full flex-col no-underline">
        <span className="picture aspect-[3/4]"><Shot preview={card.preview} alt="" size="card" cover /></span>
        <span className="block px-1 pt-1.5 pb-1">
          <span className="line-clamp-2 leading-tight text-film-bright group-hover:underline">{card.name}</span>
          <span className="block truncate font-mono text-[0.82rem]">{[card.type, card.base_model].filter(Boolean).join(" · ")}</span>
          {card.early_access_until && <span className="block text-[0.85rem] text-[#f0513b]">for buyers until {card.early_access_until}</span>}
        </span>
        <span className="edge mt-auto !px-1"><span className="number" aria-hidden="true">▸ {card.id}</span><span className="number">{count(card.downloads)} fetched</span></span>
      </Link>
    </li>
  );
}

type Pages = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };

/** The next page, by itself when its button comes into view. */
function More({ pages, some }: { pages: Pages; some: boolean }) {
  const button = useRef<HTMLButtonElement>(null);
  const { hasNextPage, isFetchingNextPage } = pages;
  const next = useRef(pages.fetchNextPage);
  next.current = pages.fetchNextPage;
  useEffect(() => {
    const element = button.current;
    if (!element || isFetchingNextPage) return;
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void next.current(), { rootMargin: "400px" });
    watch.observe(element);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, some]);
  if (!hasNextPage) return some ? <p className="hint pt-4" role="status">That is all.</p> : null;
  return <button ref={button} type="button" className="button mt-4" disabled={isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{isFetchingNextPage ? "Asking Civitai" : "Show more"}</button>;
}
