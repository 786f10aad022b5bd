type Manifest = {
  readonly version: string;
  readonly engines?: object;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
};

/** The package.json of the published package: the SDK's, with the dependencies of the gateway that comes along. */
export function packageManifest(workspace: Manifest, sdk: Manifest & { readonly name: string }): object {
  const { name, version, description, license } = sdk;
  const dependencies = { ...workspace.dependencies, ...sdk.dependencies };
  return {
    name,
    version,
    description,
    license,
    type: "module",
    // The bundler drops what a plugin does not use of `source/`, as it does in the workspace.
    sideEffects: false,
    engines: workspace.engines,
    bin: { sandgate: "./host/cli/sandgate.js" },
    exports: {
      ".": both("plugin-sdk/define-plugin"),
      "./effects": both("plugin-sdk/effects"),
      "./testing": both("plugin-sdk/testing/testing"),
      "./abi/*": both("plugin-sdk/abi/*"),
      "./assemblyscript/*": "./assemblyscript/*",
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function both(path: string) {
  return { types: `./${path}.d.ts`, default: `./${path}.js` };
}
