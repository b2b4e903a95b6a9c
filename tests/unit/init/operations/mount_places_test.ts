import { assertEquals } from "@std/assert";
import { MountPlaces } from "../../../../init/operations/mount_places.ts";

const parts = (path: string): string[] => path.split("/").filter((part) => part !== "");

function placesOf(...paths: readonly string[]): MountPlaces {
  const places = new MountPlaces();
  paths.forEach((path, k) => places.add(k, parts(path), true));
  return places;
}

Deno.test("the last mount at a path or above it shows there, of those that are made by then", () => {
  const places = placesOf("/", "/a", "/a/b", "/a", "/ab");
  assertEquals(places.showing(parts("/a/b/c"), 5), { mount: 3, depth: 1 });
  assertEquals(places.showing(parts("/a/b/c"), 3), { mount: 2, depth: 2 });
  assertEquals(places.showing(parts("/a/b/c"), 2), { mount: 1, depth: 1 });
  assertEquals(places.showing(parts("/x"), 5), { mount: 0, depth: 0 });
  assertEquals(places.showing(parts("/x"), 0), undefined);
});

Deno.test("a remount hides nothing, and its folder is there", () => {
  const places = new MountPlaces();
  places.add(0, ["a"], false);
  assertEquals(places.showing(["a"], 1), undefined);
  assertEquals(places.hasBelow(["a"], 0, 1), true);
});

Deno.test("a folder on the way to a mount's place is made by that mount, and not before", () => {
  const places = placesOf("/a/b/c", "/x", "/a/b");
  assertEquals(places.hasBelow(parts("/a/b"), 0, 1), true);
  assertEquals(places.hasBelow(parts("/a/b"), 0, 0), false);
  assertEquals(places.hasBelow(parts("/a/b"), 1, 2), false);
  assertEquals(places.hasBelow(parts("/a/b"), 1, 3), true);
  assertEquals(places.hasBelow(parts("/a/b/c/d"), 0, 3), false);
});
