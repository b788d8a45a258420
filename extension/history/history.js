import { showHistoryPage } from "../ui/screens/history-page.js";

await showHistoryPage();
