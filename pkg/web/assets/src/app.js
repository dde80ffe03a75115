import "@hotwired/turbo";
import "../../../live/client/index.js";
import "./relative-time.js";
import "./forms.js";
import "./pick-from.js";
