import { TextDecoder } from 'node:util';
import { describeCause } from '../../index.ts';
import type { BuildEvent, PlannedStep } from '../../index.ts';
import type { Progress } from './progress.ts';

/** One JSON object a line, documented in docs/events.md. Steps are repeated as their id; output is text. */
export function jsonProgress(write: (text: string) => void): Progress {
  const decoders = new Map<string, TextDecoder>();
  const text = (step: PlannedStep, stream: string, chunk: Uint8Array): string => {
    const key = `${step.id} ${stream}`;
    const decoder = decoders.get(key) ?? new TextDecoder();
    decoders.set(key, decoder);
    return decoder.decode(chunk, { stream: true });
  };
  return {
    handle(event) {
      write(`${JSON.stringify({ time: new Date().toISOString(), ...plain(event, text) })}\n`);
    },
    end: () => undefined,
  };
}

function plain(event: BuildEvent, text: (step: PlannedStep, stream: string, chunk: Uint8Array) => string): object {
  switch (event.type) {
    case 'step:start':
    case 'step:done':
    case 'step:progress':
      return { ...event, step: event.step.id };
    case 'step:cause':
      return { ...event, step: event.step.id, message: describeCause(event.cause) };
    case 'step:log': {
      const { type, step, stream, chunk } = event;
      return { type, step: step.id, stream, text: text(step, stream, chunk) };
    }
    case 'step:error': {
      const { code, message, hint, span } = event.error;
      return { type: event.type, step: event.step.id, error: { code, message, hint, span } };
    }
    case 'context:fetch':
    case 'graph':
    case 'output:start':
    case 'output:progress':
    case 'output:done':
    case 'warning':
    case 'image':
      return event;
  }
}
