/** One line as text for people or as JSON for machines. Pure; secrets are taken out of either. */
import type { LogLine } from '../../base/index.ts';

export type LineStyle = Readonly<{ server: string; secrets: readonly string[] }>;

/** `2026-11-21 10:04:05.123 WARN  lock lost: … [LS_…]`; the level only where it matters, the time in the machine's own zone. */
export function textLine(line: LogLine, at: Date, style: LineStyle): string {
  const level = line.level === 'info' ? '' : `${line.level.toUpperCase().padEnd(5)} `;
  const code = line.code === undefined ? '' : ` [${line.code}]`;
  return redacted(`${localTime(at)} ${level}${line.text}${code}`, style).replaceAll(/[\r\n]+/g, ' / ');
}

/** One object a line: `time` (UTC), `level`, `server`, `text`, `code` where there is one, then the line's own fields. */
export const jsonLine = (line: LogLine, at: Date, style: LineStyle): string => {
  const { level, text, code, fields } = line;
  const head = { time: at.toISOString(), level, server: style.server, text: redacted(text, style) };
  const own = Object.entries(fields ?? {})
    .filter(([name]) => !(name in head))
    .map(([name, value]) => [name, typeof value === 'string' ? redacted(value, style) : value] as const);
  return JSON.stringify({ ...head, ...(code === undefined ? {} : { code }), ...Object.fromEntries(own) });
};

const redacted = (text: string, { secrets }: LineStyle): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, '(secret)'), text);

function localTime(at: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
