import { config } from "@hotwired/turbo";
import "./back.js"; // before all that sends
import "../../../live/client/index.js";
import "./relative-time.js";
import "./messages.js";
import "./copy.js";
import "./forms.js";
import "./typed.js";
import "./sending.js";
import "./offline.js";
import "./busy.js";
import "./pick-from.js";
import "./waiting.js";
import "./under-way.js";
import "./follow.js";
import "./keys.js";
import "./zone.js";

// A button that is disabled while its form is on the way would lose the focus.
config.forms.submitter = "aria-disabled";
