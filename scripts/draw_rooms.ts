/**
 * Draws the rooms with the imports between them: docs/rooms.svg.
 *
 *   deno run -A scripts/draw_rooms.ts           writes it
 *   deno run -A scripts/draw_rooms.ts --check   fails if it is not what would be written
 *
 * An arrow that the others imply is left out: where a leads to b and b to c, none is drawn from a
 * to c.
 *
 * @module
 */

import { floorOf, FLOORS, importsOf, INNER_FLOORS, isInRooms, modulesIn, roomOf } from "./rooms.ts";

const DRAWING = "docs/rooms.svg";

const WIDTH = 1000;
const HEAD = 64;
const BOX = 196;
const LINE = 15;
const GAP = 46;

interface Room {
  readonly name: string;
  readonly files: number;
  /** How many imports lead out of it, and into it. */
  readonly out: number;
  readonly in: number;
  /** The folders in it. */
  readonly folders: readonly string[];
}

interface Box extends Room {
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** How many imports there are from a room to another. */
type Arrows = ReadonlyMap<string, ReadonlyMap<string, number>>;

function countArrows(files: readonly string[]): Arrows {
  const arrows = new Map<string, Map<string, number>>();
  for (const file of files) {
    for (const target of importsOf(file).filter(isInRooms)) {
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from === to) continue;
      const out = arrows.get(from) ?? new Map<string, number>();
      arrows.set(from, out.set(to, (out.get(to) ?? 0) + 1));
    }
  }
  return arrows;
}

const sum = (counts: Iterable<number>) => [...counts].reduce((all, count) => all + count, 0);

function describeRooms(files: readonly string[], arrows: Arrows): readonly Room[] {
  return FLOORS.flat().map((name) => ({
    name,
    files: files.filter((file) => roomOf(file) === name).length,
    out: sum(arrows.get(name)?.values() ?? []),
    in: sum([...arrows.values()].map((out) => out.get(name) ?? 0)),
    folders: (INNER_FLOORS[name] ?? []).toReversed().map((floor) =>
      floor.filter((folder) => folder !== name).map((folder) => folder.slice(name.length + 1))
        .join(", ")
    ).filter((folders) => folders !== ""),
  }));
}

/** Places the rooms, the highest floor at the top. */
function place(rooms: readonly Room[]): readonly Box[] {
  let y = HEAD;
  return FLOORS.toReversed().flatMap((names) => {
    const floor = names.map((name) => rooms.find((room) => room.name === name) as Room);
    const heights = floor.map(({ folders }) => 44 + folders.length * LINE);
    const space = (WIDTH - floor.length * BOX) / (floor.length + 1);
    const boxes = floor.map((room, index) => ({
      ...room,
      x: Math.round(space + index * (BOX + space)),
      y,
      height: heights[index] as number,
    }));
    y += Math.max(...heights) + GAP;
    return boxes;
  });
}

/** Whether one leads to another by way of a third. */
function isImplied(from: string, to: string, arrows: Arrows): boolean {
  const reaches = (room: string): boolean =>
    room === to || [...arrows.get(room)?.keys() ?? []].some(reaches);
  return [...arrows.get(from)?.keys() ?? []].some((next) => next !== to && reaches(next));
}

function drawArrow(from: Box, to: Box, count: number): string {
  const [x1, y1] = [from.x + BOX / 2, from.y + from.height];
  const [x2, y2] = [to.x + BOX / 2, to.y];
  const bend = Math.round((y2 - y1) / 2);
  const title = `${from.name} imports ${to.name}: ${count}`;
  return `<path class="arrow" d="M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${
    y2 - bend
  } ${x2} ${y2}" marker-end="url(#head)"><title>${title}</title></path>`;
}

function drawBox({ name, files, out, in: into, folders, x, y, height }: Box): string {
  const isDoor = name.endsWith(".ts");
  const count = isDoor ? "" : `${files} files, `;
  const lines = [
    `<rect class="${
      isDoor ? "door" : "room"
    }" x="${x}" y="${y}" width="${BOX}" height="${height}" rx="5"/>`,
    `<text class="name" x="${x + 10}" y="${y + 18}">${isDoor ? name : `${name}/`}</text>`,
    `<text class="note" x="${x + 10}" y="${y + 34}">${count}${into} in, ${out} out</text>`,
    ...folders.map((text, index) =>
      `<text class="note" x="${x + 10}" y="${y + 34 + (index + 1) * LINE}">${text}</text>`
    ),
  ];
  return lines.join("\n");
}

function draw(files: readonly string[]): string {
  const arrows = countArrows(files);
  const boxes = place(describeRooms(files, arrows));
  const boxOf = (name: string) => boxes.find((box) => box.name === name) as Box;
  const height = Math.max(...boxes.map((box) => box.y + box.height)) + 16;
  const drawn = [...arrows].flatMap(([from, out]) =>
    [...out].filter(([to]) => !isImplied(from, to, arrows))
      .map(([to, count]) => drawArrow(boxOf(from), boxOf(to), count))
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>The rooms of hull, and which imports which</title>
<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .name { font-weight: 600 }
  .note { fill: #57606a; font-size: 11px }
  .room { fill: #ddf4ff; stroke: #1f6feb }
  .door { fill: #fff8c5; stroke: #9a6700 }
  .arrow { fill: none; stroke: #8c959f }
  .head { fill: #8c959f }
</style>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text class="title" x="16" y="24">The rooms of hull</text>
<text class="note" x="16" y="42">Imports lead down. An arrow that others imply is left out. In and out: how many imports lead there and away.</text>
${[...drawn, ...boxes.map(drawBox)].join("\n")}
</svg>
`;
}

Deno.chdir(new URL("..", import.meta.url));
const files = modulesIn().filter(isInRooms);
const homeless = files.find((file) => floorOf(roomOf(file), FLOORS) === undefined);
if (homeless !== undefined) {
  console.error(`scripts/rooms.ts has no floor for ${roomOf(homeless)}`);
  Deno.exit(1);
}
const drawing = draw(files);
if (!Deno.args.includes("--check")) {
  Deno.writeTextFileSync(DRAWING, drawing);
} else if (Deno.readTextFileSync(DRAWING) !== drawing) {
  console.error(`${DRAWING} is not fresh: run deno task draw`);
  Deno.exit(1);
}
