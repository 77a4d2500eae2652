package dashboard

import "net/http"

// A loginStatus says what a request carries, and not whether that is good.
type loginStatus struct {
	TokenPresent         bool   `json:"tokenPresent"`
	HeaderPresent        bool   `json:"headerPresent"`
	HTTPSMode            bool   `json:"httpsMode"`
	ImpersonationPresent bool   `json:"impersonationPresent"`
	ImpersonatedUser     string `json:"impersonatedUser"`
}

func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	user := r.Header.Get("Impersonate-User")
	answerJSON(w, http.StatusOK, loginStatus{
		TokenPresent:         r.Header.Get(scheme) != "",
		HeaderPresent:        r.Header.Get("Authorization") != "",
		HTTPSMode:            s.secure(r),
		ImpersonationPresent: user != "",
		ImpersonatedUser:     user,
	})
}

func (s *Server) serveModes(w http.ResponseWriter, r *http.Request) {
	answerJSON(w, http.StatusOK, struct {
		Modes []string `json:"modes"`
	}{s.modes()})
}

// serveSkippable answers that there is no way in without a login: it would be one
// to somebody else's rights.
func (s *Server) serveSkippable(w http.ResponseWriter, r *http.Request) {
	answerJSON(w, http.StatusOK, struct {
		Skippable bool `json:"skippable"`
	}{})
}

// serveConfig answers with the time, by which a page finds out how far its own
// clock is off.
func (s *Server) serveConfig(w http.ResponseWriter, r *http.Request) {
	answerJSON(w, http.StatusOK, struct {
		ServerTime int64 `json:"serverTime"`
	}{s.now().UnixMilli()})
}
