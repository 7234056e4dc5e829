/**
 * What happened in a run, in order: a hash of all of it, by which two runs are compared; its lines for people; and its story, which is those of the
 * lines that tell how a pair came to where it is: faults, changes of state, warnings.
 */

export class Trace {
  readonly lines: string[] = [];
  readonly story: string[] = [];
  readonly #now: () => number;
  #low = 0x811c9dc5;
  #high = 0x9e3779b1;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A line of the story. */
  tell(text: string): void {
    this.story.push(this.say(text));
  }

  /** A line that people may read. */
  say(text: string): string {
    const line = this.keep(text);
    this.note(line);
    return line;
  }

  /** A line that is not of the run's hash: for who looks closer, and must get the same run. */
  keep(text: string): string {
    const line = `${this.#now().toFixed(1).padStart(10)}  ${text}`;
    this.lines.push(line);
    return line;
  }

  /** Goes into the hash only. */
  note(text: string): void {
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      this.#low = Math.imul(this.#low ^ code, 0x01000193);
      this.#high = Math.imul(this.#high ^ code, 0x01000193) ^ (this.#low >>> 15);
    }
  }

  get hash(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
