/**
 * Protobuf messages as tables: the door of this room.
 *
 * @module
 */

export { decode } from "./decode.ts";
export { encode } from "./encode.ts";
export { table } from "./table.ts";
export type { Given, Kind, MessageOf, MessageTable, Scalar } from "./table.ts";
