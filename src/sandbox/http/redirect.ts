/**
 * Where the answer of a server in a sandbox sends a request on to.
 *
 * Source: the Fetch standard, 4.4 HTTP-redirect fetch.
 *
 * @module
 */

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A request. */
export interface InnerRequest {
  readonly url: URL;
  readonly init: RequestInit;
}

/**
 * The request that an answer asks for; undefined for one that is the end.
 *
 * @throws {TypeError} for a place that is none, and a body that can't be sent twice
 */
export function redirected(
  { url, init }: InnerRequest,
  { status, headers }: Response,
): InnerRequest | undefined {
  const location = headers.get("location");
  if (!REDIRECTS.has(status) || location === null) return undefined;
  const next = new URL(location, url);
  const sent = new Headers(init.headers);
  if (next.origin !== url.origin) sent.delete("authorization");
  const method = (init.method ?? "GET").toUpperCase();
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  if (!becomesGet) {
    if (!(init.body instanceof ReadableStream)) {
      return { url: next, init: { ...init, headers: sent } };
    }
    throw new TypeError("the server sends a request on whose body is a stream, which is read once");
  }
  for (const name of [...sent.keys()]) if (name.startsWith("content-")) sent.delete(name);
  return { url: next, init: { ...init, method: "GET", headers: sent, body: null } };
}
