import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { sessionOf } from '../session.ts'
import { showStatus } from './stream.ts'

export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('Shows how far the live groups have come: events, late ones, duplicates, lag, watermark.')
    .action(status)
  withExamples(command, ['lockstep status', 'lockstep status --json'])
}

async function status(_options: object, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  await using store = await project.open()
  const found = await store.streamStatus()
  output.result(found, () => showStatus(output, found))
}
