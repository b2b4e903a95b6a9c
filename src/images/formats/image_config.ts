/**
 * What an image says of the program that it is for.
 *
 * Source: the OCI image-spec's config.md.
 *
 * @module
 */

import { checkDigest, type Document, listIn, objectIn, textIn, textsIn } from "./document.ts";
import { imageInvalid, shown } from "../archive/image_error.ts";

/** An image's config, as far as a container is made of it. What the image leaves out is undefined. */
export interface ImageConfig {
  /** In Go's words, such as `amd64`. */
  readonly architecture: string | undefined;
  /** `linux`. */
  readonly os: string | undefined;
  /** `USER[:GROUP]`, each a name or a number. */
  readonly user: string | undefined;
  /** `NAME=VALUE`. */
  readonly env: readonly string[];
  /** What is always run. */
  readonly entrypoint: readonly string[] | undefined;
  /** Its arguments, or the program where there is no entrypoint, unless others are given. */
  readonly cmd: readonly string[] | undefined;
  /** The folder that the program starts in. */
  readonly workingDir: string | undefined;
  /** Folders for data that outlives a container. */
  readonly volumes: readonly string[];
  /** By which the program ends, such as `SIGQUIT`. */
  readonly stopSignal: string | undefined;
  /** What else is said of the image. */
  readonly labels: Readonly<Record<string, string>>;
}

const MOST_VOLUMES = 64;
/** So that its bytes are fewer than the kernel's 4096 in any case. */
const MOST_VOLUME_LENGTH = 1000;

/**
 * Reads a config.
 *
 * @throws {ContainerError} `ImageInvalid`
 */
export function parseImageConfig(document: Document): ImageConfig {
  const config = objectIn(document, "config");
  const os = textIn(document, "os");
  if (os !== undefined && os !== "linux") throw imageInvalid(`the image is for ${shown(os)}`);
  const env = textsIn(config, "Env") ?? [];
  const bad = env.find((entry) => entry.indexOf("=") < 1);
  if (bad !== undefined) throw imageInvalid(`the image's variable ${shown(bad)} has no name`);
  const labels = Object.entries(objectIn(config, "Labels").value);
  return {
    architecture: textIn(document, "architecture"),
    os,
    user: textIn(config, "User"),
    env,
    entrypoint: commandIn(config, "Entrypoint"),
    cmd: commandIn(config, "Cmd"),
    workingDir: pathIn(config, "WorkingDir"),
    volumes: volumesIn(config),
    stopSignal: textIn(config, "StopSignal"),
    labels: Object.fromEntries(labels.filter((label) => typeof label[1] === "string")) as Record<
      string,
      string
    >,
  };
}

/** The digests of the layers' archives, from the lowest. */
export function diffIdsIn(document: Document): readonly string[] {
  const ids = listIn(objectIn(document, "rootfs"), "diff_ids");
  return ids.map((id, k) => checkDigest(id, `layer ${k + 1} in the image's config`));
}

function commandIn(config: Document, name: string): readonly string[] | undefined {
  const command = textsIn(config, name);
  if (command?.[0] === "") throw imageInvalid(`the image's ${name} begins with an empty text`);
  return command === undefined || command.length === 0 ? undefined : command;
}

function pathIn(config: Document, name: string): string | undefined {
  const path = textIn(config, name);
  if (path === undefined || path.startsWith("/")) return path;
  return `/${path}`; // Docker takes it so
}

function volumesIn(config: Document): readonly string[] {
  const paths = Object.keys(objectIn(config, "Volumes").value);
  if (paths.length > MOST_VOLUMES) throw imageInvalid(`the image has ${paths.length} volumes`);
  const bad = paths.find((path) => !path.startsWith("/") || /\0|\/\.\.(?:\/|$)/.test(path));
  if (bad !== undefined) throw imageInvalid(`the image's volume ${shown(bad)} is no absolute path`);
  const long = paths.find((path) => path.length > MOST_VOLUME_LENGTH);
  if (long !== undefined) throw imageInvalid(`the image's volume ${shown(long)} is too long`);
  return paths;
}
