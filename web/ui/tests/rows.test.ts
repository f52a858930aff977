import { describe, expect, it } from "vitest";
import { Cell } from "@/pages/assets/gallery";
import { joined } from "@/pages/assets/useAll";
import { seen } from "@/pages/assets/useRows";
import { meanColour, placeholderUrl } from "@/ui/placeholders";

describe("rows in the window", () => {
  it("are those that are seen and three on each side, and never others than there are", () => {
    expect(seen(-200, 900, 100, 100)).toEqual({ first: 0, last: 10 });
    expect(seen(5000, 900, 100, 100)).toEqual({ first: 47, last: 62 });
    expect(seen(9500, 900, 100, 100)).toEqual({ first: 92, last: 99 });
    expect(seen(0, 900, 0, 100)).toEqual({ first: 0, last: -1 });
    expect(seen(90_000, 900, 4, 100)).toEqual({ first: 3, last: 3 });
  });
});

describe("frames of many pages", () => {
  const cell = (id: string) => new Cell({ id, kind: "image", prompt: "p", title: null, seed: 1, width: 2, height: 3, placeholder: null, favourite: false, duration: null });
  const [one, two, three] = ["a", "b", "c"].map((id) => ({ assets: [cell(id)] })) as [{ assets: Cell[] }, { assets: Cell[] }, { assets: Cell[] }];
  const ids = (cells: readonly Cell[]) => cells.map((item) => item.id).join("");
  it("grow by what is new, and are gathered anew when an earlier page changed", () => {
    const start = { pages: [one], all: joined({ pages: [], all: [] }, [one]) };
    const grown = joined(start, [one, two, three]);
    expect(ids(grown)).toBe("abc");
    expect(grown).toBe(start.all);
    expect(ids(one.assets)).toBe("a");
    const changed = { assets: [cell("x")] };
    expect(ids(joined({ pages: [one, two], all: [...one.assets, ...two.assets] }, [one, changed]))).toBe("ax");
    expect(ids(joined({ pages: [one, two], all: [...one.assets, ...two.assets] }, [one]))).toBe("a");
  });
  it("know where their files are", () => {
    expect([cell("a").url, cell("a").thumbnail_url]).toEqual(["/api/assets/a/file", "/api/assets/a/thumbnail"]);
  });
});

describe("placeholders", () => {
  it("have a colour and a picture, and none when the hash is broken", () => {
    const hash = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w";
    expect(meanColour(hash)).toMatch(/^rgb\(\d+ \d+ \d+\)$/);
    expect(placeholderUrl(hash)).toMatch(/^data:image\/png;base64,/);
    expect([meanColour("%%%"), placeholderUrl("%%%"), meanColour(null)]).toEqual(["", "", ""]);
  });
});
