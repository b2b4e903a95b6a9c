/**
 * Text for manual pages.
 *
 * Source: man(7), groff_char(7).
 *
 * @module
 */

/** Text as roff prints it, on lines of which none begins a request. */
export function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, "\\&$1")
    .replaceAll("…", "...");
}

/** A word for the arguments of a request. */
export function argument(text: string): string {
  return `"${escaped(text).replaceAll('"', "\\(dq")}"`;
}

/** Bold text. */
export function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

/** Text of which the capitals and what is in angle brackets stand for something. */
export function synopsisText(text: string): string {
  return escaped(text).replaceAll(/[A-Z]{2,}(?:[=:[\]A-Z]*[A-Z\]])?|<[a-z]+>/g, "\\fI$&\\fR");
}

/** A heading. */
export function section(title: string): string {
  return `.SH ${/ /.test(title) ? `"${title}"` : title}`;
}

/** A tagged paragraph: both parts are roff already. */
export function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${text}`;
}

/** A command line, as it is typed. */
export function literal(line: string): string {
  return `.PP\n.nf\n.RS\n${escaped(line)}\n.RE\n.fi`;
}
