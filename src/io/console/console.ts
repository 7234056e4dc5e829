/**
 * The console behind `Log`: winston writes each line to stdout and to a rotating file. Losing a line (a full disk, a closed pipe) is
 * told once on stderr and never stops the server. Secrets are taken out before anything is written.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import winston from 'winston';
import type { Log, LogLevel, LogLine } from '../../base/index.ts';
import { consoleFaults } from './faults.ts';
import { jsonLine, textLine, type LineStyle } from './line.ts';
import { rotatingFile } from './rotating-file.ts';

export type ConsoleOptions = Readonly<{
  /** Named in every JSON line; text lines get their prefix from whoever shows two servers on one console. */
  server: string;
  level: LogLevel;
  format: 'text' | 'json';
  /** Empty: no file. */
  file: string;
  fileSizeMax: number;
  /** How many files are kept, the present one included. */
  filesMax: number;
  /** Texts that must never be written. */
  secrets: readonly string[];
  /** Where console lines go. */
  output: NodeJS.WritableStream;
}>;

export interface Console extends Log {
  /** Fulfils when every line said before has been handed to console and file. Nothing may be said after. */
  close(): Promise<void>;
}

/** Opens the console and, where one is wanted, the log file. Never throws for the file's sake. */
export function openConsole(options: ConsoleOptions): Console {
  const style: LineStyle = {
    server: options.server,
    secrets: options.secrets.filter((secret) => secret !== ''),
  };
  const form = options.format === 'json' ? jsonLine : textLine;
  const format = winston.format.printf((info) => {
    const line: unknown = info['line'];
    return form(line as LogLine, new Date(), style); // Only `say` below makes these, with a LogLine in them.
  });
  const file = options.file === '' ? null : openFile(options);
  const streams = file === null ? [options.output] : [options.output, file];
  const transports = streams.map((stream) => new winston.transports.Stream({ stream }));
  const logger = winston.createLogger({
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    level: options.level,
    format,
    // winston types its transports as interfaces, in which the rule can't see the class that they are.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
    transports,
  });
  return {
    say: (line) => {
      logger.log({ level: line.level, message: line.text, line });
    },
    close: async () => {
      const passedOn = Promise.all(transports.map((transport) => once(transport, 'finish')));
      logger.end();
      await passedOn;
      if (file !== null) await new Promise<void>((settle) => file.end(() => settle()));
    },
  };
}

function openFile(options: ConsoleOptions): Writable {
  const failed = onlyOnce((error: unknown) => tellOfFile(options, error));
  const { file: path, fileSizeMax: sizeMax, filesMax } = options;
  return rotatingFile({ path, sizeMax, filesMax, failed });
}

function tellOfFile({ server, file }: ConsoleOptions, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${server}: ${consoleFaults.LS_LOG_FILE(file, why)} [LS_LOG_FILE]\n`);
}

function onlyOnce<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
  let isDone = false;
  return (...args) => {
    if (isDone) return;
    isDone = true;
    act(...args);
  };
}
