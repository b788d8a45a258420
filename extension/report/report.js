import { showRunPage } from "../ui/screens/run-page.js";

await showRunPage({ inTab: true });
