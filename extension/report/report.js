import { mount } from "../ui/screens/run-page.js";

await mount({ inTab: true });
