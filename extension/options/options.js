import { showOptionsPage } from "../ui/screens/options-page.js";

await showOptionsPage();
