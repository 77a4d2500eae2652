package rancher

import "context"

// Setting reads a setting (GET /v3/settings/NAME).
func (c *V3) Setting(ctx context.Context, name string) (Setting, error) {
	return Setting{}, errTODO
}
