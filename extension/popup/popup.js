import { mount } from "../ui/app.js";

await mount({ inTab: false });
