/** What a server tells: lines on its console and in a rotating file, for people or as JSON. */
export { openConsole, type Console, type ConsoleOptions } from './console.ts';
