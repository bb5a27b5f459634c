import { TextDecoder } from 'node:util';
import { describeCause } from '../../index.ts';
import type { BuildEvent, PlannedStep } from '../../index.ts';
import { createByteTally, isFetch } from './byte-tally.ts';
import type { ByteTally } from './byte-tally.ts';
import {
  familiarImage,
  formatDuration,
  formatFetch,
  formatOutput,
  formatSize,
  formatWarning,
  shortId,
} from './format.ts';
import type { Progress } from './progress.ts';

interface Output {
  /** What has not ended in a newline yet, per stream. */
  readonly partial: Map<'stdout' | 'stderr', string>;
  readonly decoders: Map<'stdout' | 'stderr', TextDecoder>;
}

const longestLine = 1 << 20;

/** Prints the events of a build as lines: the steps as docker's classic builder named them, each line of output under its step. */
export function plainProgress(write: (text: string) => void): Progress {
  const outputs = new Map<string, Output>();
  const fetched = new Map<string, ByteTally>();
  // Steps of parallel stages interleave: whenever the step changes, its line is repeated, so that a line's step is always the last `Step` above it.
  let current: string | undefined;
  const heading = (step: PlannedStep): void => {
    if (current === step.id) return;
    current = step.id;
    write(`Step ${step.number}/${step.total} : ${step.text}\n`);
  };
  const line = (step: PlannedStep, text: string): void => {
    heading(step);
    write(`${text}\n`);
  };
  const flush = (step: PlannedStep): void => {
    for (const text of outputs.get(step.id)?.partial.values() ?? []) if (text !== '') line(step, text);
    outputs.delete(step.id);
  };
  const fetch = (event: Extract<BuildEvent, { type: 'step:progress' }>): void => {
    const tally = fetched.get(event.step.id) ?? createByteTally();
    fetched.set(event.step.id, tally);
    tally.note(event);
  };
  const tellFetched = (step: PlannedStep): void => {
    const tally = fetched.get(step.id);
    if (tally !== undefined) line(step, ` ---> Pulled ${formatSize(tally.current)}`);
    fetched.delete(step.id);
  };
  const log = (step: PlannedStep, stream: 'stdout' | 'stderr', chunk: Uint8Array): void => {
    const output = outputs.get(step.id) ?? { partial: new Map(), decoders: new Map() };
    outputs.set(step.id, output);
    const decoder = output.decoders.get(stream) ?? new TextDecoder();
    output.decoders.set(stream, decoder);
    const lines = ((output.partial.get(stream) ?? '') + decoder.decode(chunk, { stream: true })).split('\n');
    const partial = lines.pop() ?? '';
    // Who writes no newline at all must not fill the memory.
    const isEndless = partial.length > longestLine;
    if (isEndless) lines.push(partial);
    output.partial.set(stream, isEndless ? '' : partial);
    if (lines.length === 0) return;
    heading(step);
    write(`${lines.join('\n')}\n`);
  };
  return {
    handle(event) {
      switch (event.type) {
        case 'context:fetch':
          write(`${formatFetch(event)}\n`);
          break;
        case 'step:start':
          heading(event.step);
          break;
        case 'step:cause':
          if (event.cause.kind !== 'first' && event.cause.kind !== 'no-cache')
            line(event.step, ` ---> Not cached: ${describeCause(event.cause)}`);
          break;
        case 'step:log':
          log(event.step, event.stream, event.chunk);
          break;
        case 'step:progress':
          if (isFetch(event.label)) fetch(event);
          break;
        case 'step:done':
          flush(event.step);
          tellFetched(event.step);
          if (event.outcome === 'cached') line(event.step, ' ---> Using cache');
          if (event.layer !== undefined)
            line(
              event.step,
              ` ---> ${shortId(event.layer)}${event.outcome !== 'executed' ? '' : ` (${formatDuration(event.durationMs)})`}`,
            );
          break;
        case 'step:error':
          flush(event.step);
          break;
        case 'warning':
          write(`${formatWarning(event)}\n`);
          break;
        case 'image':
          write(`Successfully built ${shortId(event.image.id)}\n`);
          for (const name of event.names) write(`Successfully tagged ${familiarImage(name)}\n`);
          break;
        case 'output:done':
          write(
            `${formatOutput(event.output, 'Exported')} (${formatSize(event.size)}, ${formatDuration(event.durationMs)})\n`,
          );
          break;
        case 'output:start':
        case 'output:progress':
        case 'graph':
          break;
      }
    },
    end: () => undefined,
  };
}
