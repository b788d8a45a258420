/** A browser with these tabs; of any other it says that there is none. */
export const withTabs = (tabs) => ({
  extension: { inIncognitoContext: false },
  windows: { getCurrent: async () => ({ incognito: false }) },
  scripting: {
    executeScript: async () => [
      { result: { token: "t", origin: "https://a.example", site: "a.example", servers: [] } },
    ],
  },
  tabs: {
    get: async (id) => {
      if (!tabs.has(id)) throw new Error(`No tab with id: ${id}.`);
      return tabs.get(id);
    },
  },
});
