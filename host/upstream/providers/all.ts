import type { ServiceConfig } from "#config/schema.ts";
import { createMock } from "./mock.ts";
import { createOpenAi } from "./openai.ts";
import type { Provider } from "./provider.ts";

/** The provider that a service names, ready to send. */
export function createProvider(service: ServiceConfig): Provider {
  switch (service.provider) {
    case "openai":
      return createOpenAi(service);
    case "mock":
      return createMock();
    default:
      return service satisfies never;
  }
}
