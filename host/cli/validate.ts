import { Command } from "commander";
import { checkFiles } from "#host/load-generation.ts";
import { createLog } from "#host/observe/log.ts";

/** `sandgate validate`: everything that `start` would check, without serving. Exit code 0 when all is well, else 1. */
export function validateCommand(): Command {
  return new Command("validate")
    .description("check a config and the plugins it uses")
    .argument("<gateway.yaml>")
    .action(async (file: string) => {
      const problems = await checkFiles({ file, env: process.env, log: createLog("silent") });
      for (const problem of problems) process.stderr.write(`${problem}\n`);
      if (problems.length === 0) process.stdout.write(`${file} is valid\n`);
      process.exitCode = problems.length === 0 ? 0 : 1;
    });
}
