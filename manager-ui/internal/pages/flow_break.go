package pages

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/breaking"
	"countersign.example/pkg/web"
)

// partBroken is what the security log tells of somebody who has broken a part on purpose.
const partBroken = "break"

// flowBreaks is the panel that breaks parts, where everything runs on a developer's machine.
type flowBreaks struct {
	Faults  []flowFault
	Broken  string // what is, in words; "" for nothing
	Seconds int    // until it heals by itself
}

type flowFault struct {
	breaking.Fault
	Href string
}

// flowBreaks is the panel; nil where nothing can be broken.
func (h *handlers) flowBreaks(ctx context.Context) *flowBreaks {
	if h.breaks == nil {
		return nil
	}
	s, err := h.breaks.State(ctx)
	if err != nil {
		h.log.WarnContext(ctx, "nothing can be broken on purpose", "error", err)
		return nil
	}
	panel := &flowBreaks{}
	for _, f := range s.Faults {
		panel.Faults = append(panel.Faults, flowFault{f, flowPath + "/breaks/" + f.Name})
		if f.Name == s.Broken {
			panel.Broken, panel.Seconds = f.Title, max(0, int(time.Until(s.Until).Seconds()+1))
		}
	}
	return panel
}

func (h *handlers) breakPart(c echo.Context) error {
	if h.breaks == nil {
		return web.NotFound("Nothing can be broken on purpose here.")
	}
	name := c.Param("name")
	switch err := h.breaks.Begin(c.Request().Context(), name); {
	case errors.Is(err, breaking.ErrNoFault):
		return web.NotFound("There is no such fault.")
	case errors.Is(err, breaking.ErrNotNow):
		web.Flash(c, web.Warning, "Something is broken already. Wait until it has healed.")
		return web.Redirect(c, flowPath)
	case err != nil:
		h.log.WarnContext(c.Request().Context(), "a part could not be broken on purpose", "fault", name, "error", err)
		web.Flash(c, web.Warning, "It could not be broken: the launcher's output says why.")
		return web.Redirect(c, flowPath)
	}
	h.sessions.LogSecurity(c, partBroken, web.PersonOf(c).ID, slog.String("fault", name))
	said := "It is broken now, and heals by itself."
	if name == "poison" {
		said = "The event is published: its dead letters are under Dead letters in a moment."
	}
	web.Flash(c, web.Good, said)
	return web.Redirect(c, flowPath)
}

func backToFlow(c echo.Context) error { return web.Redirect(c, flowPath) }
